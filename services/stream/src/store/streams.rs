//! Streams with their owners and categories, and the changes that owners make.

mod list;
mod rows;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use objects::StoredImage;
use primitives::{CategoryId, IdempotentRequest, StreamId, UserId};
use storage::idempotency::{claim_key, record_result};

pub use list::{StreamFilter, StreamPage, StreamSort, Totals};
use rows::{category_in, next_id, picture_in, stream_in, write_text_in};
pub(super) use rows::{delete_in, end_broadcasts_of_owner_in, ids_of_owner_in, lock_in};

use super::categories::CategoryRow;
use super::on_air::take_off_air_in;
use super::{CATEGORY_PICTURES, Conn, STREAM_PICTURES, Store, owners, search};
use crate::domain::{EndReason, PlaybackName, StreamKey, StreamSecret, StreamStatus};
use crate::error::{Error, Result};
use crate::schema::streams;

/// Contains the secret only encrypted.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = streams, check_for_backend(diesel::pg::Pg))]
pub struct StreamRow {
    pub id: i64,
    pub user_id: i64,
    pub playback_name: String,
    pub secret_sealed: Vec<u8>,
    pub title: String,
    pub description: String,
    pub status: StreamStatus,
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
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.status == StreamStatus::Live
    }
}

objects::image_columns!(
    StreamRow,
    b2_thumbnail_file_name,
    thumbnail_url,
    thumbnail_url_expires_at,
    b2_thumbnail_file_id
);

/// A stream with its owner's names and its category.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct StreamView {
    #[diesel(embed)]
    pub stream: StreamRow,
    #[diesel(embed)]
    pub owner: owners::OwnerNames,
    #[diesel(embed)]
    pub category: Option<CategoryRow>,
}

/// A validated stream.
#[derive(Debug, Clone)]
pub struct NewStream {
    pub title: String,
    pub description: String,
    pub category: Option<CategoryId>,
    /// The thumbnail, which is already in the bucket.
    pub picture: Option<StoredImage>,
    /// Makes a retry of the request safe.
    pub idempotency: Option<IdempotentRequest>,
}

/// A validated update. Fields that are `None` stay as they are.
#[derive(Debug, Clone, Default)]
pub struct StreamUpdate {
    pub title: Option<String>,
    pub description: Option<String>,
    /// `Some(None)` removes the stream from its category.
    pub category: Option<Option<CategoryId>>,
    /// The thumbnail. `Some(None)` removes it.
    pub picture: Option<Option<StoredImage>>,
}

impl Store {
    pub async fn stream(&self, id: StreamId) -> Result<StreamView> {
        let mut view = self
            .database
            .read(async move |conn: &mut Conn| stream_in(conn, id).await)
            .await?;
        self.renew_picture_urls(std::slice::from_mut(&mut view)).await;
        Ok(view)
    }

    /// Renews picture URLs that expire soon, of the streams and of their categories.
    pub(super) async fn renew_picture_urls(&self, views: &mut [StreamView]) {
        let categories = views.iter_mut().filter_map(|view| view.category.as_mut());
        self.pictures
            .renew(CATEGORY_PICTURES, categories.map(CategoryRow::shown).collect())
            .await;
        let streams = views.iter_mut().map(|view| view.stream.shown());
        self.pictures.renew(STREAM_PICTURES, streams.collect()).await;
    }

    /// Decrypts the key of a stream. Fails if `AIRWAVE_STREAM_KEY_SECRET` has changed since it was created.
    pub fn stream_key(&self, stream: &StreamRow) -> Result<StreamKey> {
        let undecryptable = || Error::UndecryptableKey(stream.id);
        Ok(StreamKey {
            name: PlaybackName::parse(&stream.playback_name).map_err(|_| undecryptable())?,
            secret: self
                .keyring
                .open(StreamId(stream.id), &stream.secret_sealed)
                .map_err(|_| undecryptable())?,
        })
    }

    /// Creates a stream with a new key, or returns the one that an earlier attempt with the same idempotency
    /// key created. `username`, from the access token, is used while the copy of the owner has not arrived.
    pub async fn stream_create(&self, owner: UserId, username: String, new: NewStream) -> Result<StreamView> {
        let store = self.clone();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let now = store.clock.now();
                owners::insert_placeholder_in(conn, owner, &username, now).await?;
                owners::require_active_in(conn, owner).await?;
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
            secret: StreamSecret::random(),
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
        search::index_in(conn, &[id.0]).await?;
        Ok(id)
    }

    /// Updates a stream, also while it is live. `authorize` receives the owner.
    pub async fn stream_update(
        &self,
        id: StreamId,
        update: StreamUpdate,
        authorize: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<StreamView> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                // Categories are locked before streams everywhere, which avoids deadlocks.
                let category = match update.category {
                    Some(category) => Some(category_in(conn, category).await?),
                    None => None,
                };
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                authorize(UserId(row.user_id))?;
                if let Some(picture) = update.picture {
                    picture_in(conn, id, picture, row.picture(), now).await?;
                }
                let category = category.unwrap_or(row.category_id);
                let text = (
                    update.title.unwrap_or(row.title),
                    update.description.unwrap_or(row.description),
                );
                write_text_in(conn, id, &text, category, now).await?;
                search::index_in(conn, &[id.0]).await?;
                stream_in(conn, id).await
            })
            .await
    }

    /// Replaces the secret and ends the broadcast that uses the old one. `authorize` receives the owner.
    pub async fn stream_rotate_key(
        &self,
        id: StreamId,
        authorize: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<StreamKey> {
        let store = self.clone();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                authorize(UserId(row.user_id))?;
                let secret = StreamSecret::random();
                let now = store.clock.now();
                let columns = store.secret_columns(id, &secret)?;
                diesel::update(streams::table.find(id.0))
                    .set((columns, streams::updated_at.eq(now)))
                    .execute(conn)
                    .await?;
                take_off_air_in(conn, id, EndReason::KeyRotated, now).await?;
                let name = PlaybackName::parse(&row.playback_name).map_err(|_| Error::CorruptRow {
                    table: "streams",
                    row: row.id,
                })?;
                Ok(StreamKey { name, secret })
            })
            .await
    }

    /// Ends the broadcast of a stream, if it has one. `authorize` receives the owner.
    pub async fn stream_stop(
        &self,
        id: StreamId,
        authorize: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<StreamView> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                authorize(UserId(row.user_id))?;
                take_off_air_in(conn, id, EndReason::Stopped, now).await?;
                stream_in(conn, id).await
            })
            .await
    }

    /// Ends the broadcast and deletes the stream. Its broadcasts stay, since their recordings may still be
    /// collected. `authorize` receives the owner.
    pub async fn stream_delete(
        &self,
        id: StreamId,
        authorize: impl FnOnce(UserId) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                authorize(UserId(row.user_id))?;
                delete_in(conn, id, now).await
            })
            .await
    }

    fn secret_columns(&self, id: StreamId, secret: &StreamSecret) -> Result<SecretColumns> {
        Ok(SecretColumns {
            secret_hash: self.keyring.hash(secret).to_vec(),
            secret_sealed: self
                .keyring
                .seal(id, secret)
                .map_err(|_| Error::UndecryptableKey(id.0))?,
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
