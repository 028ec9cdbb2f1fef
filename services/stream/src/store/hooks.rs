//! Reads and writes of the media nodes' hooks.

mod connection_status;

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::{NodeName, StreamId, UserId};

use connection_status::status_in;

use super::on_air::{PublishRow, active_of_in, end_publish_in};
use super::streams::lock_in;
use super::{Conn, Store, owners, recordings, wake_reconciler_in};
use crate::domain::{
    ActivePublish, EndReason, PlaybackName, PublishRejection, PublishState, RecordingName, StreamSecret,
};
use crate::error::{Error, Result};
use crate::schema::{publishes, streams};

/// The minimum interval between two writes of `seen_at` by update hooks.
const UPDATE_INTERVAL: Duration = Duration::seconds(5);

/// Identifies the connection of an encoder. nginx numbers its connections from 1 at each start, hence the
/// boot id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderConnection {
    pub node: NodeName,
    pub boot_id: String,
    /// nginx's number of the connection.
    pub client_id: i64,
}

/// The stream that an encoder asks to publish to.
#[derive(Debug)]
pub struct PublishTarget {
    pub stream: StreamId,
    pub owner: UserId,
    pub secret_hash: Vec<u8>,
    /// Whether the owner is banned or deleted.
    pub owner_banned: bool,
    /// The publish that has not ended, with its boot id.
    pub active: Option<(ActivePublish, String)>,
}

/// An encoder that passed all checks.
#[derive(Debug, Clone)]
pub struct Admission {
    pub stream: StreamId,
    pub owner: UserId,
    pub name: PlaybackName,
    /// The verified secret.
    pub secret: StreamSecret,
    pub connection: EncoderConnection,
    /// The publish that it replaces, and why that one ends.
    pub replaces: Option<(i64, EndReason)>,
    /// The trace of the hook.
    pub trace: HashMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmissionOutcome {
    /// The encoder may publish. A repeated hook gets the same answer.
    Accepted,
    /// The hook is a repeat for a connection that has ended.
    AlreadyEnded,
    /// The state has changed since the checks.
    Rejected(PublishRejection),
}

/// The answer to an update hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateDecision {
    /// Also for unknown connections.
    Continue,
    /// The platform ended the publish, or its key or owner is no longer valid.
    Reject,
}

type TargetColumns = (i64, i64, Vec<u8>, Option<DateTime<Utc>>, bool, Option<PublishRow>);

impl Store {
    /// Returns the stream with a playback name.
    pub async fn publish_target(&self, name: &PlaybackName) -> Result<Option<PublishTarget>> {
        use crate::schema::owners;
        let name = name.as_str().to_owned();
        self.database
            .read(async move |conn: &mut Conn| {
                let on_active = publishes::stream_id
                    .eq(streams::id.nullable())
                    .and(publishes::state.ne(PublishState::Ended));
                let row: Option<TargetColumns> = streams::table
                    .inner_join(owners::table)
                    .left_join(publishes::table.on(on_active))
                    .filter(streams::playback_name.eq(name))
                    .select((
                        streams::id,
                        streams::user_id,
                        streams::secret_hash,
                        owners::banned_at,
                        owners::deleted,
                        Option::<PublishRow>::as_select(),
                    ))
                    .first(conn)
                    .await
                    .optional()?;
                row.map(target).transpose()
            })
            .await
    }

    /// Accepts an encoder, unless the state has changed since the checks.
    pub async fn publish_admit(&self, admission: Admission) -> Result<AdmissionOutcome> {
        let fingerprint = self.keyring.fingerprint(&admission.secret);
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                match owners::require_active_in(conn, admission.owner).await {
                    Err(Error::OwnerBanned) => {
                        return Ok(AdmissionOutcome::Rejected(PublishRejection::Banned));
                    }
                    other => other?,
                }
                if lock_in(conn, admission.stream).await?.is_none() {
                    return Ok(AdmissionOutcome::Rejected(PublishRejection::UnknownStream));
                }
                if fingerprint_in(conn, admission.stream).await? != fingerprint {
                    return Ok(AdmissionOutcome::Rejected(PublishRejection::WrongKey));
                }
                match publish_of_in(conn, &admission.connection).await? {
                    Some(row) if row.has_ended() => return Ok(AdmissionOutcome::AlreadyEnded),
                    Some(_) => return Ok(AdmissionOutcome::Accepted),
                    None => {}
                }
                if !replace_in(conn, &admission, now).await? {
                    return Ok(AdmissionOutcome::Rejected(PublishRejection::AlreadyLive));
                }
                insert_in(conn, &admission, &fingerprint, now).await?;
                wake_reconciler_in(conn).await?;
                Ok(AdmissionOutcome::Accepted)
            })
            .await
    }

    /// Ends the publish of a connection that its node reports as closed.
    pub async fn publish_done(&self, connection: EncoderConnection) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = publish_of_in(conn, &connection).await?;
                let Some(stream) = row.and_then(|row| row.stream_id) else {
                    return Ok(());
                };
                lock_in(conn, StreamId(stream)).await?;
                // Read again, now that the lock keeps others from changing it.
                let row = publish_of_in(conn, &connection).await?;
                let Some(row) = row.filter(|row| !row.has_ended()) else {
                    return Ok(());
                };
                let (reason, stopped_at) = match row.broadcast_id {
                    Some(_) => (EndReason::PublisherGone, row.progress().stopped_at(now)),
                    None => (EndReason::NeverStarted, now),
                };
                end_publish_in(conn, &row, reason, stopped_at, now).await?;
                Ok(wake_reconciler_in(conn).await?)
            })
            .await
    }

    /// Decides whether a connection may continue, and notes that its node still reports it.
    pub async fn publish_update(&self, connection: EncoderConnection) -> Result<UpdateDecision> {
        let now = self.clock.now();
        let lookup = connection.clone();
        let status = self
            .database
            .read(async move |conn: &mut Conn| status_in(conn, &lookup).await)
            .await?;
        let Some(status) = status else {
            return Ok(UpdateDecision::Continue);
        };
        if status.is_rejected() {
            return Ok(UpdateDecision::Reject);
        }
        if status.ended || now - status.seen_at < UPDATE_INTERVAL {
            return Ok(UpdateDecision::Continue);
        }
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = publishes::table
                    .filter(publishes::node.eq(connection.node.as_str()))
                    .filter(publishes::boot_id.eq(&connection.boot_id))
                    .filter(publishes::client_id.eq(connection.client_id))
                    .filter(publishes::state.ne(PublishState::Ended));
                diesel::update(row)
                    .set(publishes::seen_at.eq(now))
                    .execute(conn)
                    .await?;
                Ok(UpdateDecision::Continue)
            })
            .await
    }

    /// Stores the name of a recording that its node has closed.
    pub async fn record_done(&self, connection: EncoderConnection, file: RecordingName) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                // A rejected second encoder leaves an empty file, which belongs to no publish.
                let Some(row) = publish_of_in(conn, &connection).await? else {
                    return Ok(());
                };
                if row.playback_name != file.playback_name.as_str() {
                    return Ok(());
                }
                if let Some(stream) = row.stream_id {
                    lock_in(conn, StreamId(stream)).await?;
                }
                recordings::add_in(conn, &row, &file, now).await?;
                // If the broadcast ended before its file was closed, announce the file now.
                let row = publish_of_in(conn, &connection).await?;
                match row.and_then(|row| row.broadcast_id) {
                    Some(broadcast) => recordings::announce_if_ended_in(conn, broadcast, now).await,
                    None => Ok(()),
                }
            })
            .await
    }
}

fn target((stream, owner, secret_hash, banned_at, deleted, active): TargetColumns) -> Result<PublishTarget> {
    let active = active
        .map(|row| row.to_active().map(|active| (active, row.boot_id)))
        .transpose()?;
    Ok(PublishTarget {
        stream: StreamId(stream),
        owner: UserId(owner),
        secret_hash,
        owner_banned: banned_at.is_some() || deleted,
        active,
    })
}

async fn fingerprint_in(conn: &mut Conn, stream: StreamId) -> Result<String> {
    Ok(streams::table
        .find(stream.0)
        .select(streams::key_fingerprint)
        .first(conn)
        .await?)
}

async fn publish_of_in(conn: &mut Conn, connection: &EncoderConnection) -> Result<Option<PublishRow>> {
    let row = publishes::table
        .filter(publishes::node.eq(connection.node.as_str()))
        .filter(publishes::boot_id.eq(&connection.boot_id))
        .filter(publishes::client_id.eq(connection.client_id))
        .select(PublishRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

/// Ends the publish that is replaced. Returns false if yet another one has taken its place.
async fn replace_in(conn: &mut Conn, admission: &Admission, now: DateTime<Utc>) -> Result<bool> {
    let active = active_of_in(conn, admission.stream).await?;
    match (active, admission.replaces) {
        (None, None) => Ok(true),
        (None, Some((replaced, reason))) => {
            // The hook of the dropped encoder came first, so only the reason needs correcting.
            diesel::update(
                publishes::table
                    .find(replaced)
                    .filter(publishes::end_reason.eq(EndReason::PublisherGone)),
            )
            .set(publishes::end_reason.eq(reason))
            .execute(conn)
            .await?;
            Ok(true)
        }
        (Some(other), Some((replaced, reason))) if other.id == replaced => {
            let stopped_at = other.progress().stopped_at(now);
            end_publish_in(conn, &other, reason, stopped_at, now).await?;
            Ok(true)
        }
        (Some(_), _) => Ok(false),
    }
}

async fn insert_in(
    conn: &mut Conn,
    admission: &Admission,
    fingerprint: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let trace = serde_json::to_value(&admission.trace).unwrap_or_else(|_| serde_json::json!({}));
    diesel::insert_into(publishes::table)
        .values((
            publishes::stream_id.eq(admission.stream.0),
            publishes::user_id.eq(admission.owner.0),
            publishes::node.eq(admission.connection.node.as_str()),
            publishes::boot_id.eq(&admission.connection.boot_id),
            publishes::client_id.eq(admission.connection.client_id),
            publishes::playback_name.eq(admission.name.as_str()),
            publishes::key_fingerprint.eq(fingerprint),
            publishes::state.eq(PublishState::Starting),
            publishes::accepted_at.eq(now),
            publishes::seen_at.eq(now),
            publishes::grew_at.eq(now),
            publishes::trace_context.eq(trace),
            publishes::created_at.eq(now),
            publishes::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
