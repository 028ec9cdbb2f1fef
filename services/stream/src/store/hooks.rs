//! What the media nodes' hooks write and ask.

mod standing;

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::{StreamId, UserId};

use standing::standing_in;

use super::on_air::{PublishRow, active_of_in, end_publish_in};
use super::streams::lock_in;
use super::{Conn, Store, owners, recordings, wake_reconciler_in};
use crate::domain::{ActivePublish, EndReason, PlaybackName, RecordingName, Refusal, Secret};
use crate::error::{Error, Result};
use crate::schema::{publishes, streams};

/// An update is written down when the last one is this old.
const RENEW: Duration = Duration::seconds(5);

/// One encoder's connection, as nginx names it: its number counts from one at each start, hence the boot id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The media node.
    pub node: String,
    /// This start of the node.
    pub boot_id: String,
    /// nginx's number of the connection.
    pub id: i64,
}

/// What is known of a stream when an encoder asks to publish to it.
#[derive(Debug)]
pub struct Known {
    /// The stream.
    pub stream: StreamId,
    /// Its owner.
    pub owner: UserId,
    /// The hash of its secret.
    pub secret_hash: Vec<u8>,
    /// Whether the owner is banned or gone.
    pub owner_banned: bool,
    /// The publish that is not over, with its boot id.
    pub active: Option<(ActivePublish, String)>,
}

/// An encoder that is to be let in.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The stream.
    pub stream: StreamId,
    /// Its owner.
    pub owner: UserId,
    /// The public name.
    pub name: PlaybackName,
    /// The secret that was found right.
    pub secret: Secret,
    /// The connection.
    pub client: Client,
    /// The publish whose place it takes, and why that one is over.
    pub replaces: Option<(i64, EndReason)>,
    /// The trace that began with the hook.
    pub trace: HashMap<String, String>,
}

/// What became of an admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It may publish; also when it was told so before.
    Yes,
    /// This connection was let in before and is over: a repeated hook.
    Over,
    /// The state has changed since it was judged.
    No(Refusal),
}

/// What is answered to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// Go on; also for connections that we do not know.
    GoOn,
    /// We have decided that it is over.
    Refused,
}

type KnownColumns = (i64, i64, Vec<u8>, Option<DateTime<Utc>>, bool, Option<PublishRow>);

impl Store {
    /// What is known of the stream of this name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn stream_known(&self, name: &PlaybackName) -> Result<Option<Known>> {
        use crate::schema::owners;
        let name = name.as_str().to_owned();
        self.database
            .read(async move |conn: &mut Conn| {
                let on_active = publishes::stream_id
                    .eq(streams::id.nullable())
                    .and(publishes::state.ne("ended"));
                let row: Option<KnownColumns> = streams::table
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
                row.map(known).transpose()
            })
            .await
    }

    /// Lets an encoder in, if everything is still as it was judged.
    ///
    /// # Errors
    /// What the database says.
    pub async fn publish_admit(&self, admission: Admission) -> Result<Admitted> {
        let fingerprint = self.keyring.fingerprint(&admission.secret);
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                match owners::must_be_welcome_in(conn, admission.owner).await {
                    Err(Error::OwnerBanned) => return Ok(Admitted::No(Refusal::Banned)),
                    other => other?,
                }
                if lock_in(conn, admission.stream).await?.is_none() {
                    return Ok(Admitted::No(Refusal::UnknownStream));
                }
                if fingerprint_in(conn, admission.stream).await? != fingerprint {
                    return Ok(Admitted::No(Refusal::WrongKey));
                }
                match of_client_in(conn, &admission.client).await? {
                    Some(row) if row.state == "ended" => return Ok(Admitted::Over),
                    Some(_) => return Ok(Admitted::Yes),
                    None => {}
                }
                if !replace_in(conn, &admission, now).await? {
                    return Ok(Admitted::No(Refusal::AlreadyLive));
                }
                insert_in(conn, &admission, &fingerprint, now).await?;
                wake_reconciler_in(conn).await?;
                Ok(Admitted::Yes)
            })
            .await
    }

    /// A node says that a connection is over.
    ///
    /// # Errors
    /// What the database says.
    pub async fn publish_done(&self, client: Client) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let Some(stream) = of_client_in(conn, &client).await?.and_then(|row| row.stream_id) else {
                    return Ok(());
                };
                lock_in(conn, StreamId(stream)).await?;
                // Again, now that nobody else changes it.
                let row = of_client_in(conn, &client)
                    .await?
                    .filter(|row| row.state != "ended");
                let Some(row) = row else { return Ok(()) };
                let (reason, stopped_at) = match row.broadcast_id {
                    Some(_) => (EndReason::PublisherGone, row.active()?.progress.stopped_at(now)),
                    None => (EndReason::NeverStarted, now),
                };
                end_publish_in(conn, &row, reason, stopped_at, now).await?;
                Ok(wake_reconciler_in(conn).await?)
            })
            .await
    }

    /// A node says that a connection is still there.
    ///
    /// # Errors
    /// What the database says.
    pub async fn publish_renew(&self, client: Client) -> Result<Update> {
        let now = self.clock.now();
        let lookup = client.clone();
        let found = self
            .database
            .read(async move |conn: &mut Conn| standing_in(conn, &lookup).await)
            .await?;
        let Some(standing) = found else {
            return Ok(Update::GoOn);
        };
        if standing.is_refused() {
            return Ok(Update::Refused);
        }
        if standing.ended || now - standing.seen_at < RENEW {
            return Ok(Update::GoOn);
        }
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = publishes::table
                    .filter(publishes::node.eq(&client.node))
                    .filter(publishes::boot_id.eq(&client.boot_id))
                    .filter(publishes::client_id.eq(client.id))
                    .filter(publishes::state.ne("ended"));
                diesel::update(row)
                    .set(publishes::seen_at.eq(now))
                    .execute(conn)
                    .await?;
                Ok(Update::GoOn)
            })
            .await
    }

    /// A node says that it has closed a file.
    ///
    /// # Errors
    /// What the database says.
    pub async fn record_done(&self, client: Client, file: RecordingName) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                // A refused second encoder of the same name leaves an empty file, which is nobody's.
                let Some(row) = of_client_in(conn, &client).await? else {
                    return Ok(());
                };
                if row.playback_name != file.stream.as_str() {
                    return Ok(());
                }
                if let Some(stream) = row.stream_id {
                    lock_in(conn, StreamId(stream)).await?;
                }
                recordings::add_in(conn, &row, &file, now).await?;
                // The broadcast may have been over before its file was: then this is the moment.
                let row = of_client_in(conn, &client).await?;
                match row.and_then(|row| row.broadcast_id) {
                    Some(broadcast) => recordings::announce_if_over_in(conn, broadcast, now).await,
                    None => Ok(()),
                }
            })
            .await
    }
}

fn known((stream, owner, secret_hash, banned_at, deleted, active): KnownColumns) -> Result<Known> {
    let active = active
        .map(|row| row.active().map(|active| (active, row.boot_id)))
        .transpose()?;
    Ok(Known {
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

async fn of_client_in(conn: &mut Conn, client: &Client) -> Result<Option<PublishRow>> {
    let row = publishes::table
        .filter(publishes::node.eq(&client.node))
        .filter(publishes::boot_id.eq(&client.boot_id))
        .filter(publishes::client_id.eq(client.id))
        .select(PublishRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

/// Ends the publish whose place is taken. False: there is another by now. The hook that says that the node
/// has dropped it may have come first; then only the reason is missing.
async fn replace_in(conn: &mut Conn, admission: &Admission, now: DateTime<Utc>) -> Result<bool> {
    let active = active_of_in(conn, admission.stream).await?;
    match (active, admission.replaces) {
        (None, None) => Ok(true),
        (None, Some((replaced, reason))) => {
            diesel::update(
                publishes::table
                    .find(replaced)
                    .filter(publishes::end_reason.eq("publisher_gone")),
            )
            .set(publishes::end_reason.eq(reason.as_str()))
            .execute(conn)
            .await?;
            Ok(true)
        }
        (Some(other), Some((replaced, reason))) if other.id == replaced => {
            let stopped_at = other.active()?.progress.stopped_at(now);
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
            publishes::node.eq(&admission.client.node),
            publishes::boot_id.eq(&admission.client.boot_id),
            publishes::client_id.eq(admission.client.id),
            publishes::playback_name.eq(admission.name.as_str()),
            publishes::key_fingerprint.eq(fingerprint),
            publishes::state.eq("starting"),
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
