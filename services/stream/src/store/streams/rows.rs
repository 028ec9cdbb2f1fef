//! The statements of each change, which run in a transaction of the caller.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use objects::{PendingDeletion, StoredImage};
use primitives::{CategoryId, StreamId, UserId};
use proto::events::v1 as events;
use proto::events::v1::event::Payload;

use super::{StreamRow, StreamView};
use crate::domain::{BroadcastState, EndReason};
use crate::error::{Error, Result};
use crate::schema::{broadcasts, categories, owners, streams};
use crate::store::on_air::take_off_air_in;
use crate::store::{Conn, wake_reconciler_in};

/// Ends the broadcast, deletes the row, which the caller has locked, and emits `stream.deleted`.
pub(in crate::store) async fn delete_in(conn: &mut Conn, id: StreamId, now: DateTime<Utc>) -> Result<()> {
    take_off_air_in(conn, id, EndReason::Deleted, now).await?;
    let row: StreamRow = diesel::delete(streams::table.find(id.0))
        .returning(StreamRow::as_returning())
        .get_result(conn)
        .await?;
    objects::ledger::schedule_deletion(conn, row.picture().as_slice(), now).await?;
    let (user_id, version) = (row.user_id, row.version);
    let deleted = Payload::StreamDeleted(events::StreamDeleted {
        stream_id: id.0,
        user_id,
    });
    bus::emit(conn, deleted, id.0, version + 1).await?;
    Ok(())
}

pub(super) async fn write_text_in(
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
    // A recording gets the title that the stream has at the end of the broadcast.
    diesel::update(
        broadcasts::table
            .filter(broadcasts::stream_id.eq(id.0))
            .filter(broadcasts::state.ne(BroadcastState::Ended)),
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

/// Replaces or removes the thumbnail of a stream. The previous one is deleted from the bucket.
pub(super) async fn picture_in(
    conn: &mut Conn,
    id: StreamId,
    picture: Option<StoredImage>,
    before: Option<PendingDeletion>,
    now: DateTime<Utc>,
) -> Result<()> {
    let columns = (
        streams::thumbnail_url.eq(picture.as_ref().map(|picture| &picture.url)),
        streams::thumbnail_url_expires_at.eq(picture.as_ref().map(|picture| picture.url_expires_at)),
        streams::b2_thumbnail_file_id.eq(picture.as_ref().and_then(|picture| picture.version_id.as_ref())),
        streams::b2_thumbnail_file_name.eq(picture.as_ref().map(|picture| &picture.key)),
    );
    diesel::update(streams::table.find(id.0))
        .set(columns)
        .execute(conn)
        .await?;
    Ok(objects::replace(conn, picture.as_ref(), before, now).await?)
}

/// Returns the row of a stream, locked until the transaction ends.
pub(in crate::store) async fn lock_in(conn: &mut Conn, id: StreamId) -> Result<Option<StreamRow>> {
    let row = streams::table
        .find(id.0)
        .for_update()
        .select(StreamRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

pub(super) async fn stream_in(conn: &mut Conn, id: StreamId) -> Result<StreamView> {
    let view = streams::table
        .inner_join(owners::table)
        .left_join(categories::table)
        .filter(streams::id.eq(id.0))
        .select(StreamView::as_select())
        .first(conn)
        .await;
    view.optional()?.ok_or(Error::StreamNotFound)
}

pub(super) async fn category_in(conn: &mut Conn, category: Option<CategoryId>) -> Result<Option<i64>> {
    let Some(category) = category else { return Ok(None) };
    // The lock keeps the category from being deleted before the stream refers to it.
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

/// Reserves an id before the insert, because the encrypted secret is bound to it.
pub(super) async fn next_id(conn: &mut Conn) -> Result<StreamId> {
    let next: NextId = diesel::sql_query("SELECT nextval(pg_get_serial_sequence('streams', 'id')) AS id")
        .get_result(conn)
        .await?;
    Ok(StreamId(next.id))
}

/// Returns the ids of a user's streams, whose rows it locks.
pub(in crate::store) async fn ids_of_owner_in(conn: &mut Conn, owner: UserId) -> Result<Vec<StreamId>> {
    let ids: Vec<i64> = streams::table
        .filter(streams::user_id.eq(owner.0))
        .order(streams::id)
        .for_update()
        .select(streams::id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(StreamId).collect())
}

/// Ends all broadcasts of a user.
pub(in crate::store) async fn end_broadcasts_of_owner_in(
    conn: &mut Conn,
    owner: UserId,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<()> {
    for stream in ids_of_owner_in(conn, owner).await? {
        take_off_air_in(conn, stream, reason, now).await?;
    }
    Ok(wake_reconciler_in(conn).await?)
}
