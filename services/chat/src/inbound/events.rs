//! Events of streams and accounts. All are applied idempotently, so there is no inbox: a stream's state has a
//! version, and what is removed twice is removed once.

use std::sync::Arc;
use std::time::Duration;

use bus::{Consumer, Delivery, Failure};
use primitives::{StreamId, UserId};
use proto::events::v1::event::Payload;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Result;
use crate::outbound::push;
use crate::store::gone::{messages_anonymise, messages_drop_room, places_forget};
use crate::store::rooms::{Room, room_put};

/// The consumer's name, which is that of its queue.
pub const CONSUMER: &str = "chat.events";
/// What it hears. A ban ends the user's tokens, and with them the speaking.
const KEYS: &[&str] = &["stream.started", "stream.ended", "stream.deleted", "user.deleted"];

/// After this time nobody writes any more what was allowed before the event: a replica believes for a second
/// that a room is live, and a message may take 2.6 s. What is removed is removed at once, and again then.
const SETTLE: Duration = Duration::from_secs(4);
/// Handlers at once; those that wait cost nothing.
const HANDLERS: u16 = 32;

/// Consumes until told to stop.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let bus = app.bus.clone();
    let handler = move |delivery| {
        let app = app.clone();
        async move { handle(&app, delivery).await.map_err(Failure::retry) }
    };
    Consumer::new(CONSUMER, KEYS)
        .concurrency(HANDLERS)
        .run(bus, shutdown, handler)
        .await;
}

async fn handle(app: &App, delivery: Delivery) -> Result<()> {
    let version = delivery.event.version;
    match delivery.event.payload {
        Some(Payload::StreamStarted(e)) => {
            let room = Room::Known {
                owner: UserId(e.user_id),
                live: true,
            };
            put(app, StreamId(e.stream_id), room, version).await
        }
        Some(Payload::StreamEnded(e)) => {
            let room = Room::Known {
                owner: UserId(e.user_id),
                live: false,
            };
            put(app, StreamId(e.stream_id), room, version).await
        }
        Some(Payload::StreamDeleted(e)) => {
            let stream = StreamId(e.stream_id);
            put(app, stream, Room::Gone, version).await?;
            messages_drop_room(&app.mongo, stream).await?;
            sleep(SETTLE).await;
            messages_drop_room(&app.mongo, stream).await
        }
        Some(Payload::UserDeleted(e)) => {
            let user = UserId(e.user_id);
            forget(app, user).await?;
            sleep(SETTLE).await;
            forget(app, user).await
        }
        _ => Ok(()),
    }
}

/// Takes back what an account said, and tells the rooms, step by step; and takes it out of the rooms' lists.
async fn forget(app: &App, user: UserId) -> Result<()> {
    loop {
        let taken_back = messages_anonymise(&app.mongo, user, app.clock.now()).await?;
        if taken_back.is_empty() {
            return places_forget(&app.mongo, user).await;
        }
        for message in taken_back.iter().filter(|message| message.deleted_at.is_none()) {
            push::message_deleted(&app.realtime, message);
        }
    }
}

async fn put(app: &App, stream: StreamId, room: Room, version: i64) -> Result<()> {
    room_put(&app.mongo, stream, room, version, app.clock.now()).await?;
    app.rooms.forget(stream).await;
    Ok(())
}
