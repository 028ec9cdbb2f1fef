//! Events that somebody is told of, and accounts that go.
//!
//! One transaction claims the inbox and writes the fan-out; then its first job is added. Should the process
//! end between the two, or Redis be away, the reconciler adds the job.

use std::sync::Arc;

use bus::{Consumer, Delivery, Failure, inbox_claim};
use primitives::{BroadcastId, StreamId, UserId, VodId};
use proto::events::v1::event::Payload;
use storage::AsyncPgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::domain::Occasion;
use crate::error::Error;
use crate::store::fanouts::{StoredFanout, fanout_begin};
use crate::store::jobs::PageJob;
use crate::store::purges::purge_begin;

/// The consumer's name, that of its queue, and the one under which the inbox knows it.
pub const CONSUMER: &str = "notification.events";
/// What it hears. An unfollow takes no notification back: it did happen.
const KEYS: &[&str] = &["stream.started", "vod.published", "user.followed", "user.deleted"];

/// Consumes until told to stop.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let bus = app.bus.clone();
    let handler = move |delivery| {
        let app = app.clone();
        async move { handle(&app, delivery).await }
    };
    Consumer::new(CONSUMER, KEYS).run(bus, shutdown, handler).await;
}

async fn handle(app: &App, delivery: Delivery) -> Result<(), Failure> {
    let id = delivery.id;
    let at = proto::time::datetime(delivery.event.occurred_at.as_ref()).unwrap_or_else(|| app.clock.now());
    if let Some(Payload::UserDeleted(deleted)) = &delivery.event.payload {
        let user = UserId(deleted.user_id);
        return forget(app, id, user).await.map_err(Failure::retry);
    }
    let Some(occasion) = occasion(delivery.event.payload, at) else {
        return Ok(());
    };
    let now = app.clock.now();
    let begun = app
        .database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            if !inbox_claim(conn, CONSUMER, id).await? {
                return Ok::<_, Error>(None);
            }
            fanout_begin(conn, &occasion, id, at, now).await
        })
        .await
        .map_err(Failure::retry)?;
    if let Some(stored) = begun {
        add_first_job(app, &stored).await;
    }
    Ok(())
}

/// A queue that does not answer is no reason to hear the event again: the fan-out is written.
async fn add_first_job(app: &App, stored: &StoredFanout) {
    if let Err(error) = app.queue.add(&PageJob::new(&stored.fanout, 0)).await {
        tracing::warn!(fanout = stored.fanout.id, %error, "job not added, the reconciler will");
    }
}

async fn forget(app: &App, event_id: Uuid, user: UserId) -> Result<(), Error> {
    app.database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            if inbox_claim(conn, CONSUMER, event_id).await? {
                purge_begin(conn, user).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    app.purges.notify_one();
    Ok(())
}

/// The occasion in an event, if it is one.
fn occasion(payload: Option<Payload>, at: chrono::DateTime<chrono::Utc>) -> Option<Occasion> {
    Some(match payload? {
        Payload::StreamStarted(e) => Occasion::StreamStarted {
            user: UserId(e.user_id),
            stream: StreamId(e.stream_id),
            broadcast: BroadcastId(e.broadcast_id),
            name: name(e.display_name, e.username),
            title: e.title,
        },
        Payload::VodPublished(e) => Occasion::NewVod {
            user: UserId(e.user_id),
            vod: VodId(e.vod_id),
            name: name(e.display_name, e.username),
            title: e.title,
        },
        Payload::UserFollowed(e) => Occasion::NewFollower {
            user: UserId(e.following_id),
            follower: UserId(e.follower_id),
            name: name(e.follower_display_name, e.follower_username),
            at,
        },
        _ => return None,
    })
}

/// The name as people see it. The copy of names in the service that tells may not have arrived yet.
fn name(display_name: String, username: String) -> String {
    [display_name, username]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "Someone you follow".to_owned())
}
