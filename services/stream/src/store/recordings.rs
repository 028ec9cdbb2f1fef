//! Files that media nodes have closed: announced once their broadcast is over, and resolved for the sweeper
//! beside the disk.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::StreamId;
use proto::events::v1 as events;
use proto::events::v1::event::Payload;

use super::on_air::PublishRow;
use super::streams::lock_in;
use super::{Conn, Store};
use crate::domain::RecordingName;
use crate::error::Result;
use crate::schema::{broadcasts, publishes, recorded_files, streams};

/// nginx opens the file when it has our answer, and names it by the whole second of its clock.
const CLOCKS: Duration = Duration::seconds(3);

/// Whose a recording is.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(diesel::pg::Pg))]
pub struct Recorded {
    #[diesel(column_name = id)]
    pub broadcast_id: i64,
    pub stream_id: Option<i64>,
    pub user_id: i64,
    pub title: String,
    pub description: String,
    pub category_id: Option<i64>,
    pub state: String,
}

/// The answer to the sweeper.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The broadcast.
    pub broadcast: Recorded,
    /// Names the key that was used.
    pub key_fingerprint: String,
    /// The broadcast is not over yet.
    pub on_air: bool,
}

impl Store {
    /// Whose recording a file is: that of the publish which took place when the file was opened.
    ///
    /// # Errors
    /// What the database says.
    pub async fn recording_resolve(&self, node: String, file: RecordingName) -> Result<Option<Resolved>> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let Some(row) = writer_in(conn, &node, &file).await? else {
                    return Ok(None);
                };
                let Some(broadcast) = broadcast_of_in(conn, &row, now).await? else {
                    return Ok(None);
                };
                let on_air = row.state != "ended" || broadcast.state != "ended";
                Ok(Some(Resolved {
                    broadcast,
                    key_fingerprint: row.key_fingerprint,
                    on_air,
                }))
            })
            .await
    }
}

/// Writes down that a file was closed; a repeat changes nothing.
pub(super) async fn add_in(
    conn: &mut Conn,
    publish: &PublishRow,
    file: &RecordingName,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(recorded_files::table)
        .values((
            recorded_files::publish_id.eq(publish.id),
            recorded_files::node.eq(&publish.node),
            recorded_files::file_name.eq(file.as_str()),
            recorded_files::created_at.eq(now),
            recorded_files::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Announces the files of a broadcast if it is over.
pub(super) async fn announce_if_over_in(conn: &mut Conn, broadcast: i64, now: DateTime<Utc>) -> Result<()> {
    let state: String = broadcasts::table
        .find(broadcast)
        .select(broadcasts::state)
        .first(conn)
        .await?;
    if state == "ended" {
        announce_in(conn, broadcast, now).await
    } else {
        Ok(())
    }
}

/// Announces each file of a broadcast that has not been announced.
pub(super) async fn announce_in(conn: &mut Conn, broadcast: i64, now: DateTime<Utc>) -> Result<()> {
    type Columns = (i64, i64, String, String, String);
    let files: Vec<Columns> = recorded_files::table
        .inner_join(publishes::table)
        .filter(publishes::broadcast_id.eq(broadcast))
        .filter(recorded_files::announced_at.is_null())
        .order(recorded_files::id)
        .select((
            recorded_files::id,
            publishes::id,
            recorded_files::node,
            recorded_files::file_name,
            publishes::key_fingerprint,
        ))
        .load(conn)
        .await?;
    if files.is_empty() {
        return Ok(());
    }
    let of: Recorded = broadcasts::table
        .find(broadcast)
        .select(Recorded::as_select())
        .first(conn)
        .await?;
    for (file, publish, node, file_name, key_fingerprint) in files {
        let finished = events::RecordingFinished {
            node,
            file_name,
            stream_id: of.stream_id.unwrap_or(0),
            broadcast_id: of.broadcast_id,
            user_id: of.user_id,
            title: of.title.clone(),
            description: of.description.clone(),
            category_id: of.category_id,
            key_fingerprint,
        };
        // Files of one publish are told apart by their version: it rises with each.
        bus::emit(conn, Payload::RecordingFinished(finished), publish, file).await?;
        diesel::update(recorded_files::table.find(file))
            .set((
                recorded_files::announced_at.eq(now),
                recorded_files::updated_at.eq(now),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The publish that wrote a file: known from the hook, or the one whose beginning is nearest.
async fn writer_in(conn: &mut Conn, node: &str, file: &RecordingName) -> Result<Option<PublishRow>> {
    let known = recorded_files::table
        .inner_join(publishes::table)
        .filter(recorded_files::node.eq(node))
        .filter(recorded_files::file_name.eq(file.as_str()))
        .select(PublishRow::as_select())
        .first(conn)
        .await
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let candidates: Vec<PublishRow> = publishes::table
        .filter(publishes::playback_name.eq(file.stream.as_str()))
        .filter(publishes::node.eq(node))
        .filter(publishes::accepted_at.le(file.opened_at + CLOCKS))
        .filter(
            publishes::ended_at
                .is_null()
                .or(publishes::ended_at.ge(file.opened_at - CLOCKS)),
        )
        .order(publishes::accepted_at.desc())
        .limit(20)
        .select(PublishRow::as_select())
        .load(conn)
        .await?;
    let middle = file.opened_at + Duration::milliseconds(500);
    Ok(candidates
        .into_iter()
        .min_by_key(|row| (row.accepted_at - middle).num_milliseconds().abs()))
}

/// The broadcast of a publish. One that ended before anybody saw its media (this service was away) has none:
/// the recording shows that it was on air, so it gets one after the fact.
async fn broadcast_of_in(conn: &mut Conn, row: &PublishRow, now: DateTime<Utc>) -> Result<Option<Recorded>> {
    if let Some(broadcast) = row.broadcast_id {
        return Ok(broadcasts::table
            .find(broadcast)
            .select(Recorded::as_select())
            .first(conn)
            .await
            .optional()?);
    }
    let Some(stream) = row.stream_id else {
        return Ok(None);
    };
    let Some(locked) = lock_in(conn, StreamId(stream)).await? else {
        return Ok(None);
    };
    let (broadcast, ended_at): (Option<i64>, Option<DateTime<Utc>>) = publishes::table
        .find(row.id)
        .select((publishes::broadcast_id, publishes::ended_at))
        .first(conn)
        .await?;
    let id: i64 = match broadcast {
        Some(broadcast) => broadcast,
        None => {
            let (category_id, description): (Option<i64>, String) = streams::table
                .find(stream)
                .select((streams::category_id, streams::description))
                .first(conn)
                .await?;
            let state = if ended_at.is_some() {
                "ended"
            } else {
                return Ok(Some(starting(row, locked)));
            };
            let over = ended_at.unwrap_or(now).max(row.accepted_at);
            let id = diesel::insert_into(broadcasts::table)
                .values((
                    broadcasts::stream_id.eq(stream),
                    broadcasts::user_id.eq(locked.user_id),
                    broadcasts::title.eq(&locked.title),
                    broadcasts::description.eq(description),
                    broadcasts::category_id.eq(category_id),
                    broadcasts::state.eq(state),
                    broadcasts::started_at.eq(row.accepted_at),
                    broadcasts::ended_at.eq(over),
                    broadcasts::end_reason.eq(row.end_reason.as_deref().unwrap_or("publisher_gone")),
                ))
                .returning(broadcasts::id)
                .get_result(conn)
                .await?;
            diesel::update(publishes::table.find(row.id))
                .set(publishes::broadcast_id.eq(id))
                .execute(conn)
                .await?;
            id
        }
    };
    Ok(broadcasts::table
        .find(id)
        .select(Recorded::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A publish that is still starting has no broadcast yet; the sweeper only learns that it must come back.
fn starting(row: &PublishRow, stream: super::streams::StreamRow) -> Recorded {
    Recorded {
        broadcast_id: 0,
        stream_id: row.stream_id,
        user_id: stream.user_id,
        title: stream.title,
        description: stream.description,
        category_id: stream.category_id,
        state: "live".to_owned(),
    }
}
