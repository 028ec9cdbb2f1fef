//! Streams: rows with their owner's name and category, lists of them, and what owners change.

mod list;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{CategoryId, StreamId, UserId};
use proto::events::v1 as events;
use proto::events::v1::event::Payload;

pub use list::{Filter, Page, Sort, Totals};

use super::categories::CategoryRow;
use super::on_air::take_off_air_in;
use super::{Conn, Store, owners, wake_reconciler_in};
use crate::domain::{EndReason, PlaybackName, Secret, StreamKey};
use crate::error::{Error, Result};
use crate::schema::{broadcasts, categories, streams};

/// A stream as it is stored, without its secret.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = streams, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "each is the column of that name")]
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
}

impl Store {
    /// One stream.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`].
    pub async fn stream(&self, id: StreamId) -> Result<StreamView> {
        self.database
            .read(async move |conn: &mut Conn| stream_in(conn, id).await)
            .await
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

    /// Creates a stream with a fresh key. The owner's copy may not have arrived yet: the name in the token stands in for it.
    ///
    /// # Errors
    /// [`Error::OwnerBanned`], [`Error::CategoryNotFound`].
    pub async fn stream_create(&self, owner: UserId, username: String, new: NewStream) -> Result<StreamView> {
        let store = self.clone();
        self.database
            .transaction(async move |conn: &mut Conn| {
                owners::stand_in(conn, owner, &username).await?;
                owners::must_be_welcome_in(conn, owner).await?;
                let key = StreamKey {
                    name: PlaybackName::random(),
                    secret: Secret::random(),
                };
                let id = next_id(conn).await?;
                let now = store.clock.now();
                let row = (
                    streams::id.eq(id.0),
                    streams::user_id.eq(owner.0),
                    streams::playback_name.eq(key.name.as_str()),
                    store.secret_columns(id, &key.secret)?,
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
                stream_in(conn, id).await
            })
            .await
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
                let row = lock_in(conn, id).await?.ok_or(Error::StreamNotFound)?;
                may(UserId(row.user_id))?;
                let category = match change.category {
                    Some(category) => category_in(conn, category).await?,
                    None => row.category_id,
                };
                let text = (
                    change.title.unwrap_or(row.title),
                    change.description.unwrap_or(row.description),
                );
                write_text_in(conn, id, &text, category, now).await?;
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

/// Ends the broadcast, tells of the deletion and removes the row, which the caller has locked.
pub(super) async fn delete_in(conn: &mut Conn, id: StreamId, now: DateTime<Utc>) -> Result<()> {
    take_off_air_in(conn, id, EndReason::Deleted, now).await?;
    let (user_id, version): (i64, i64) = diesel::delete(streams::table.find(id.0))
        .returning((streams::user_id, streams::version))
        .get_result(conn)
        .await?;
    let deleted = Payload::StreamDeleted(events::StreamDeleted {
        stream_id: id.0,
        user_id,
    });
    bus::emit(conn, deleted, id.0, version + 1).await?;
    Ok(())
}

async fn write_text_in(
    conn: &mut Conn,
    id: StreamId,
    (title, description): &(String, String),
    category_id: Option<i64>,
    now: DateTime<Utc>,
) -> Result<()> {
    let (user_id, version): (i64, i64) = diesel::update(streams::table.find(id.0))
        .set((
            streams::title.eq(title),
            streams::description.eq(description),
            streams::category_id.eq(category_id),
            streams::version.eq(streams::version + 1),
            streams::updated_at.eq(now),
        ))
        .returning((streams::user_id, streams::version))
        .get_result(conn)
        .await?;
    // The recording of a broadcast is named as the stream was at its end.
    diesel::update(
        broadcasts::table
            .filter(broadcasts::stream_id.eq(id.0))
            .filter(broadcasts::state.ne("ended")),
    )
    .set((
        broadcasts::title.eq(title),
        broadcasts::description.eq(description),
        broadcasts::category_id.eq(category_id),
        broadcasts::updated_at.eq(now),
    ))
    .execute(conn)
    .await?;
    let updated = events::StreamUpdated {
        stream_id: id.0,
        user_id,
        title: title.clone(),
        description: description.clone(),
        category_id,
    };
    bus::emit(conn, Payload::StreamUpdated(updated), id.0, version).await?;
    Ok(())
}

/// A stream's row, locked until the transaction ends.
pub(super) async fn lock_in(conn: &mut Conn, id: StreamId) -> Result<Option<StreamRow>> {
    let row = streams::table
        .find(id.0)
        .for_update()
        .select(StreamRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

async fn stream_in(conn: &mut Conn, id: StreamId) -> Result<StreamView> {
    let view = streams::table
        .inner_join(crate::schema::owners::table)
        .left_join(categories::table)
        .filter(streams::id.eq(id.0))
        .select(StreamView::as_select())
        .first(conn)
        .await;
    view.optional()?.ok_or(Error::StreamNotFound)
}

async fn category_in(conn: &mut Conn, category: Option<CategoryId>) -> Result<Option<i64>> {
    let Some(category) = category else { return Ok(None) };
    // Locked, so that it is still there when the stream's row names it.
    let found = categories::table
        .find(category.0)
        .for_key_share()
        .select(categories::id)
        .first(conn)
        .await;
    found.optional()?.map(Some).ok_or(Error::CategoryNotFound)
}

#[derive(QueryableByName)]
struct NextId {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

/// The id comes before the row: the secret is sealed for it.
async fn next_id(conn: &mut Conn) -> Result<StreamId> {
    let next: NextId = diesel::sql_query("SELECT nextval(pg_get_serial_sequence('streams', 'id')) AS id")
        .get_result(conn)
        .await?;
    Ok(StreamId(next.id))
}

/// Ends whatever is on air for streams of a user, or deletes them.
pub(super) async fn of_owner_in(conn: &mut Conn, owner: UserId) -> Result<Vec<StreamId>> {
    let ids: Vec<i64> = streams::table
        .filter(streams::user_id.eq(owner.0))
        .order(streams::id)
        .for_update()
        .select(streams::id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(StreamId).collect())
}

/// Ends the broadcasts of a user.
pub(super) async fn silence_owner_in(
    conn: &mut Conn,
    owner: UserId,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<()> {
    for stream in of_owner_in(conn, owner).await? {
        take_off_air_in(conn, stream, reason, now).await?;
    }
    Ok(wake_reconciler_in(conn).await?)
}
