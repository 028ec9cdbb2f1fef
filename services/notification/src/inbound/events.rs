//! Consumes the events that users are notified about, and deletions of accounts.
//!
//! One transaction claims the inbox entry and creates the fan-out; then its first job is added. If the
//! process ends in between, or Redis is down, the reconciler adds the job.

use std::sync::Arc;

use bus::{Consumer, Delivery, HandlerError, inbox_claim};
use chrono::{DateTime, Utc};
use primitives::{BroadcastId, StreamId, UserId, VodId};
use proto::events::v1::event::Payload;
use storage::AsyncPgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::domain::{Fanout, Occasion};
use crate::error::Error;
use crate::inbound::jobs::enqueue_page;
use crate::store::fanouts::fanout_create;
use crate::store::purges::purge_create;

/// The name of the consumer, of its queue, and of its inbox entries.
pub const CONSUMER: &str = "notification.events";
/// An unfollow does not retract the notification: the follow did happen.
const ROUTING_KEYS: &[&str] = &["stream.started", "vod.published", "user.followed", "user.deleted"];

/// Consumes events until the shutdown.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let bus = app.bus.clone();
    let handler = move |delivery| {
        let app = app.clone();
        async move { handle(&app, delivery).await }
    };
    Consumer::new(CONSUMER, ROUTING_KEYS)
        .run(bus, shutdown, handler)
        .await;
}

async fn handle(app: &App, delivery: Delivery) -> Result<(), HandlerError> {
    let id = delivery.id;
    let at = proto::time::datetime(delivery.event.occurred_at.as_ref()).unwrap_or_else(|| app.clock.now());
    if let Some(Payload::UserDeleted(deleted)) = &delivery.event.payload {
        let user = UserId(deleted.user_id);
        return start_purge(app, id, user).await.map_err(HandlerError::retry);
    }
    let Some(occasion) = occasion(delivery.event.payload, at) else {
        return Ok(());
    };
    let now = app.clock.now();
    let created = app
        .database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            if !inbox_claim(conn, CONSUMER, id).await? {
                return Ok::<_, Error>(None);
            }
            fanout_create(conn, &occasion, id, at, now).await
        })
        .await
        .map_err(HandlerError::retry)?;
    if let Some(stored) = created {
        enqueue_page(app, &stored, Fanout::START).await;
    }
    Ok(())
}

async fn start_purge(app: &App, event_id: Uuid, user: UserId) -> Result<(), Error> {
    app.database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            if inbox_claim(conn, CONSUMER, event_id).await? {
                purge_create(conn, user).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    app.purges.notify_one();
    Ok(())
}

/// Returns the occasion of an event, or `None` if users are not notified about it.
fn occasion(payload: Option<Payload>, at: DateTime<Utc>) -> Option<Occasion> {
    Some(match payload? {
        Payload::StreamStarted(e) => Occasion::StreamStarted {
            user: UserId(e.user_id),
            stream: StreamId(e.stream_id),
            broadcast: BroadcastId(e.broadcast_id),
            name: visible_name(e.display_name, e.username),
            title: e.title,
        },
        Payload::VodPublished(e) => Occasion::NewVod {
            user: UserId(e.user_id),
            vod: VodId(e.vod_id),
            name: visible_name(e.display_name, e.username),
            title: e.title,
        },
        Payload::UserFollowed(e) => Occasion::NewFollower {
            user: UserId(e.following_id),
            follower: UserId(e.follower_id),
            name: visible_name(e.follower_display_name, e.follower_username),
            at,
        },
        _ => return None,
    })
}

/// Returns the display name, else the username. Both are empty if the publishing service has not received the
/// user's names yet.
fn visible_name(display_name: String, username: String) -> String {
    [display_name, username]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "Someone you follow".to_owned())
}
