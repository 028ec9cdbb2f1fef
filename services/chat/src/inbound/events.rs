//! Consumes the events of streams and accounts. Handling them is idempotent without an inbox: states of
//! streams have versions, and a repeated deletion has no effect.

use std::sync::Arc;
use std::time::Duration;

use bus::{Consumer, Delivery, HandlerError};
use primitives::{StreamId, UserId};
use proto::events::v1::event::Payload;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::domain::ChatRoom;
use crate::error::Result;
use crate::outbound::push;
use crate::store::erasure::{memberships_delete, messages_anonymise, room_delete};
use crate::store::rooms::room_put;

/// The name of the consumer and of its queue.
pub const CONSUMER: &str = "chat.events";
/// Excludes `user.banned`: that ban revokes the user's tokens, which also keeps them from sending.
const ROUTING_KEYS: &[&str] = &["stream.started", "stream.ended", "stream.deleted", "user.deleted"];

/// After this time, no replica still writes a message that it allowed before the event: a room may be cached
/// as live for a second, and a send may take 2.6 s. So deletions run at once, and again after this delay.
const SETTLE_DELAY: Duration = Duration::from_secs(4);
/// High, since handlers mostly sleep.
const CONCURRENCY: u16 = 32;

/// Consumes events until the shutdown.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let bus = app.bus.clone();
    let handler = move |delivery| {
        let app = app.clone();
        async move { handle(&app, delivery).await.map_err(HandlerError::retry) }
    };
    Consumer::new(CONSUMER, ROUTING_KEYS)
        .concurrency(CONCURRENCY)
        .run(bus, shutdown, handler)
        .await;
}

async fn handle(app: &App, delivery: Delivery) -> Result<()> {
    let version = delivery.event.version;
    match delivery.event.payload {
        Some(Payload::StreamStarted(e)) => {
            let owner = UserId(e.user_id);
            let room = ChatRoom::Existing { owner, live: true };
            update_room(app, StreamId(e.stream_id), room, version).await
        }
        Some(Payload::StreamEnded(e)) => {
            let owner = UserId(e.user_id);
            let room = ChatRoom::Existing { owner, live: false };
            update_room(app, StreamId(e.stream_id), room, version).await
        }
        Some(Payload::StreamDeleted(e)) => {
            let stream = StreamId(e.stream_id);
            update_room(app, stream, ChatRoom::Deleted, version).await?;
            room_delete(&app.mongo, stream).await?;
            sleep(SETTLE_DELAY).await;
            room_delete(&app.mongo, stream).await
        }
        Some(Payload::UserDeleted(e)) => {
            let user = UserId(e.user_id);
            erase_user(app, user).await?;
            sleep(SETTLE_DELAY).await;
            erase_user(app, user).await
        }
        _ => Ok(()),
    }
}

/// Anonymises a deleted account's messages, publishes the deletions, and removes its bans and moderator
/// entries.
async fn erase_user(app: &App, user: UserId) -> Result<()> {
    loop {
        let erased = messages_anonymise(&app.mongo, user, app.clock.now()).await?;
        if erased.is_empty() {
            return memberships_delete(&app.mongo, user).await;
        }
        for message in erased.iter().filter(|message| message.deleted_at.is_none()) {
            push::message_deleted(&app.realtime, message);
        }
    }
}

async fn update_room(app: &App, stream: StreamId, room: ChatRoom, version: i64) -> Result<()> {
    room_put(&app.mongo, stream, room, version, app.clock.now()).await?;
    app.rooms.invalidate(stream).await;
    Ok(())
}
