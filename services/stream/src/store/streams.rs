//! Streams: rows with their owner's name and category, lists of them, and what owners change.

mod list;
mod rows;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use objects::{Doomed, Picture, Shown};
use primitives::{CategoryId, IdempotentRequest, StreamId, UserId};
use storage::idempotency::{claim_key, record_result};

pub use list::{Filter, Page, Sort, Totals};
use rows::{category_in, next_id, picture_in, stream_in, write_text_in};
pub(super) use rows::{delete_in, lock_in, of_owner_in, silence_owner_in};

use super::categories::CategoryRow;
use super::on_air::take_off_air_in;
use super::{CATEGORY_PICTURES, Conn, STREAM_PICTURES, Store, owners, search};
use crate::domain::{EndReason, PlaybackName, Secret, StreamKey};
use crate::error::{Error, Result};
use crate::schema::streams;

/// A stream as it is stored, without its secret.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = streams, check_for_backend(diesel::pg::Pg))]
pub struct StreamRow {
    pub id: i64,
    pub user_id: i64,
    pub playback_name: String,
    pub secret_sealed: Vec<u8>,
    pub title: String,
    pub description: String,
    pub status: String,
    pub start_time: Option<DateTime<Utc>>,
    pub end_time: Option<DateTime<Utc>>,
    pub sort_time: DateTime<Utc>,
    pub viewer_count: i32,
    pub thumbnail_url: Option<String>,
    pub thumbnail_url_expires_at: Option<DateTime<Utc>>,
    pub b2_thumbnail_file_id: Option<String>,
    pub b2_thumbnail_file_name: Option<String>,
    pub category_id: Option<i64>,
    pub broadcast_id: Option<i64>,
    pub node: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl StreamRow {
    /// Whether it is on air.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.status == "live"
    }

    fn shown(&mut self) -> Shown<'_> {
        Shown {
            id: self.id,
            key: self.b2_thumbnail_file_name.as_deref(),
            url: &mut self.thumbnail_url,
            expires_at: &mut self.thumbnail_url_expires_at,
        }
    }

    /// The object of its picture.
    fn picture(&self) -> Option<Doomed> {
        let key = self.b2_thumbnail_file_name.clone()?;
        let version_id = self.b2_thumbnail_file_id.clone();
        Some(Doomed { key, version_id })
    }
}

/// A stream with what is shown beside it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct StreamView {
    /// The stream.
    #[diesel(embed)]
    pub stream: StreamRow,
    /// Its owner's names.
    #[diesel(embed)]
    pub owner: owners::Names,
    /// Its category.
    #[diesel(embed)]
    pub category: Option<CategoryRow>,
}

/// What a stream is created with, checked.
#[derive(Debug, Clone)]
pub struct NewStream {
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
    /// The category.
    pub category: Option<CategoryId>,
    /// The picture, in the bucket already.
    pub picture: Option<Picture>,
    /// The name under which the same may be sent again.
    pub idempotency: Option<IdempotentRequest>,
}

/// What changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The category; `Some(None)` takes the stream out of its own.
    pub category: Option<Option<CategoryId>>,
    /// The picture; `Some(None)` takes it away.
    pub picture: Option<Option<Picture>>,
}

impl Store {
    /// One stream.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`].
    pub async fn stream(&self, id: StreamId) -> Result<StreamView> {
        let mut view = self
            .database
            .read(async move |conn: &mut Conn| stream_in(conn, id).await)
            .await?;
        self.freshen(std::slice::from_mut(&mut view)).await;
        Ok(view)
    }

    /// Renews the URLs of pictures that end soon, those of categories included.
    pub(super) async fn freshen(&self, views: &mut [StreamView]) {
        let categories = views.iter_mut().filter_map(|view| view.category.as_mut());
        self.pictures
            .renew(CATEGORY_PICTURES, categories.map(CategoryRow::shown).collect())
            .await;
        let streams = views.iter_mut().map(|view| view.stream.shown());
        self.pictures.renew(STREAM_PICTURES, streams.collect()).await;
    }

    /// The whole key of a stream.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the configured key is not the one that sealed it.
    pub fn key_of(&self, stream: &StreamRow) -> Result<StreamKey> {
        let sealed = || Error::Sealed(stream.id);
        Ok(StreamKey {
            name: PlaybackName::parse(&stream.playback_name).map_err(|_| sealed())?,
            secret: self
                .keyring
                .open(StreamId(stream.id), &stream.secret_sealed)
                .map_err(|_| sealed())?,
        })
    }

    /// Creates a stream with a fresh key, or answers the one that an earlier attempt created. The owner's
    /// copy may not have arrived yet: the name in the token stands in for it.
    ///
    /// # Errors
    /// [`Error::OwnerBanned`], [`Error::CategoryNotFound`]; the attempt's key was used for something else.
    pub async fn stream_create(&self, owner: UserId, username: String, new: NewStream) -> Result<StreamView> {
        let store = self.clone();
        self.database
            .transaction(async move |conn: &mut Conn| {
                owners::stand_in(conn, owner, &username).await?;
                owners::must_be_welcome_in(conn, owner).await?;
                let now = store.clock.now();
                let request = new.idempotency.clone();
                if let Some(id) = claim_key::<Error>(conn, request.as_ref(), now).await? {
                    return stream_in(conn, StreamId(id)).await;
                }
                let id = store.stream_insert_in(conn, owner, new, now).await?;
                record_result(conn, request.as_ref(), id.0).await?;
                stream_in(conn, id).await
            })
            .await
    }

    async fn stream_insert_in(
        &self,
        conn: &mut Conn,
        owner: UserId,
        new: NewStream,
        now: DateTime<Utc>,
    ) -> Result<StreamId> {
        let key = StreamKey {
            name: PlaybackName::random(),
            secret: Secret::random(),
        };
        let id = next_id(conn).await?;
        let row = (
            streams::id.eq(id.0),
            streams::user_id.eq(owner.0),
            streams::playback_name.eq(key.name.as_str()),
            self.secret_columns(id, &key.secret)?,
            streams::title.eq(&new.title),
            streams::description.eq(&new.description),
            streams::category_id.eq(category_in(conn, new.category).await?),
            streams::created_at.eq(now),
            streams::updated_at.eq(now),
        );
        diesel::insert_into(streams::table)
            .values(row)
            .execute(conn)
            .await?;
        if new.picture.is_some() {
            picture_in(conn, id, new.picture, None, now).await?;
        }
        search::write_in(conn, &[id.0]).await?;
        Ok(id)
    }

    /// Changes what viewers read, also while live.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`], [`Error::CategoryNotFound`], and what `may` says of the owner.
    pub async fn stream_update(
        &self,
        id: StreamId,
        change: Change,
        may: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<StreamView> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                // The category before the stream, as those who change a category lock them.
                let category = match change.category {
                    Some(category) => Some(category_in(conn, category).await?),
                    None => None,
                };
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                may(UserId(row.user_id))?;
                if let Some(picture) = change.picture {
                    picture_in(conn, id, picture, row.picture(), now).await?;
                }
                let category = category.unwrap_or(row.category_id);
                let text = (
                    change.title.unwrap_or(row.title),
                    change.description.unwrap_or(row.description),
                );
                write_text_in(conn, id, &text, category, now).await?;
                search::write_in(conn, &[id.0]).await?;
                stream_in(conn, id).await
            })
            .await
    }

    /// Makes a new secret. The old one is dead when this returns, and a broadcast on it has ended.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`], and what `may` says of the owner.
    pub async fn stream_rotate_key(
        &self,
        id: StreamId,
        may: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<StreamKey> {
        let store = self.clone();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                may(UserId(row.user_id))?;
                let secret = Secret::random();
                let now = store.clock.now();
                let columns = store.secret_columns(id, &secret)?;
                diesel::update(streams::table.find(id.0))
                    .set((columns, streams::updated_at.eq(now)))
                    .execute(conn)
                    .await?;
                take_off_air_in(conn, id, EndReason::KeyRotated, now).await?;
                let name =
                    PlaybackName::parse(&row.playback_name).map_err(|_| Error::UnknownState(row.id))?;
                Ok(StreamKey { name, secret })
            })
            .await
    }

    /// Ends a broadcast; nothing happens when there is none.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`], and what `may` says of the owner.
    pub async fn stream_stop(
        &self,
        id: StreamId,
        may: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<StreamView> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                may(UserId(row.user_id))?;
                take_off_air_in(conn, id, EndReason::Stopped, now).await?;
                stream_in(conn, id).await
            })
            .await
    }

    /// Ends the broadcast and removes the stream. Its times on air stay until their recordings are collected.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`], and what `may` says of the owner.
    pub async fn stream_delete(
        &self,
        id: StreamId,
        may: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                may(UserId(row.user_id))?;
                delete_in(conn, id, now).await
            })
            .await
    }

    fn secret_columns(&self, id: StreamId, secret: &Secret) -> Result<SecretColumns> {
        Ok(SecretColumns {
            secret_hash: self.keyring.hash(secret).to_vec(),
            secret_sealed: self.keyring.seal(id, secret).map_err(|_| Error::Sealed(id.0))?,
            key_fingerprint: self.keyring.fingerprint(secret),
        })
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = streams)]
struct SecretColumns {
    secret_hash: Vec<u8>,
    secret_sealed: Vec<u8>,
    key_fingerprint: String,
}
