//! Creates jobs for finished recordings.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{BroadcastId, CategoryId, StreamId, UserId};

use super::NOTIFY_CHANNEL;
use crate::domain::JobStatus;
use crate::error::Result;
use crate::schema::{recordings as r, vods as v};
use crate::store::copies::{owner_is_deleted, stream_is_deleted};
use crate::store::search;
use primitives::RecordingName;

/// A finished recording, from an event or the sweeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecording {
    pub node: String,
    pub file: RecordingName,
    pub broadcast: Option<BroadcastId>,
    pub stream: StreamId,
    /// RecordingOwner it is.
    pub user: UserId,
    /// The title of the stream at the end of the broadcast, as are description and category.
    pub title: String,
    pub description: String,
    pub category: Option<CategoryId>,
    /// A fingerprint of the stream key, never the key.
    pub key_fingerprint: String,
}

/// Creates a job and its VOD, which is `processing`. Does nothing if the file is known. Discards the job if
/// the owner is deleted.
pub async fn recording_insert(
    conn: &mut AsyncPgConnection,
    new: &NewRecording,
    now: DateTime<Utc>,
) -> Result<()> {
    let trace = serde_json::to_value(proto::trace::current_context()).unwrap_or_default();
    let row = (
        r::node.eq(&new.node),
        r::file_name.eq(new.file.as_str()),
        r::broadcast_id.eq(new.broadcast.map(|broadcast| broadcast.0)),
        r::due_at.eq(now),
        r::trace_context.eq(trace),
    );
    let insert = diesel::insert_into(r::table)
        .values(row)
        .on_conflict_do_nothing()
        .returning(r::id);
    let Some(id) = insert.get_result::<i64>(conn).await.optional()? else {
        return Ok(());
    };
    if owner_is_deleted(conn, new.user).await? {
        diesel::update(r::table.find(id))
            .set(r::state.eq(JobStatus::Discarded.as_str()))
            .execute(conn)
            .await?;
        return Ok(());
    }
    let vod = vod_insert(conn, new, now).await?;
    diesel::update(r::table.find(id))
        .set(r::vod_id.eq(vod))
        .execute(conn)
        .await?;
    storage::notify(conn, NOTIFY_CHANNEL).await?;
    tracing::info!(recording_id = id, vod_id = vod, file = %new.file, node = new.node, "recording queued");
    Ok(())
}

async fn vod_insert(conn: &mut AsyncPgConnection, new: &NewRecording, now: DateTime<Utc>) -> Result<i64> {
    let stream = if stream_is_deleted(conn, new.stream).await? {
        None
    } else {
        Some(new.stream.0)
    };
    let row = (
        v::stream_id.eq(stream),
        v::stream_key.eq(&new.key_fingerprint),
        v::user_id.eq(new.user.0),
        v::title.eq(&new.title),
        v::description.eq(&new.description),
        v::category_id.eq(new.category.map(|category| category.0)),
        v::created_at.eq(now),
        v::updated_at.eq(now),
    );
    let id = diesel::insert_into(v::table)
        .values(row)
        .returning(v::id)
        .get_result(conn)
        .await?;
    search::write(conn, &[id]).await?;
    Ok(id)
}
