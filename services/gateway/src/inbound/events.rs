//! What the bus says: durable events, heard by every replica, and realtime messages of the rooms that this
//! one holds. After a reconnection everything that may have been missed is asked for.

use std::sync::Arc;

use bus::{Heard, Listener, RealtimeHeard, RealtimeSubscriber};
use identity::{Revocation, Verifier};
use primitives::{StreamId, UserId};
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message;
use proto::time::datetime;
use runtime::Shutdown;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::hub::Hub;
use crate::hub::event::{ChatSettingsUpdated, StreamUpdated, UserBanned};
use crate::hub::line::Line;
use crate::inbound::rest::Recent;
use crate::outbound::people::People;

/// Routing keys of the durable events that matter here. Revocations are heard by `runtime::identity_sync`.
pub(crate) const KEYS: &[&str] = &["stream.*", "vod.*", "category.*", "user.updated", "user.deleted"];

/// Starts to hear.
pub(crate) fn start(
    hub: &Arc<Hub>,
    people: &People,
    recent: &Recent,
    verifier: &Verifier,
    listener: Listener,
    realtime: RealtimeSubscriber,
    shutdown: &Shutdown,
) {
    // Those who have not been sent away yet go on hearing.
    let drained = hub.clone();
    let events = hear_events(hub.clone(), people.clone(), recent.clone(), listener);
    shutdown.spawn_essential("events", async move {
        tokio::select! { () = events => {}, () = drained.drained() => {} }
    });
    let drained = hub.clone();
    let messages = hear_messages(hub.clone(), realtime);
    shutdown.spawn_essential("realtime", async move {
        tokio::select! { () = messages => {}, () = drained.drained() => {} }
    });
    let stop = shutdown.clone();
    let revocations = hear_revocations(hub.clone(), verifier.revocations());
    shutdown.spawn_essential("revocations", async move {
        tokio::select! { () = revocations => {}, () = stop.stopping() => {} }
    });
}

async fn hear_events(hub: Arc<Hub>, people: People, recent: Recent, mut listener: Listener) {
    while let Some(heard) = listener.next().await {
        match heard {
            Heard::Connected => {
                let hub = hub.clone();
                tokio::spawn(async move { hub.resync().await });
            }
            Heard::Event(event, span) => {
                let version = event.version;
                let Some(payload) = event.payload else { continue };
                // Before the sockets hear of it, and their pages ask.
                recent.forget();
                if let Payload::UserUpdated(proto::events::v1::UserUpdated { user_id, .. })
                | Payload::UserDeleted(proto::events::v1::UserDeleted { user_id }) = payload
                {
                    people.forget(UserId(user_id)).await;
                } else {
                    span.in_scope(|| stream_event(&hub, &payload, version));
                }
            }
        }
    }
}

fn stream_event(hub: &Hub, payload: &Payload, version: i64) {
    match payload {
        Payload::StreamStarted(e) => hub.live_heard(StreamId(e.stream_id), true, version),
        Payload::StreamEnded(e) => hub.live_heard(StreamId(e.stream_id), false, version),
        Payload::StreamDeleted(e) => hub.stream_deleted(StreamId(e.stream_id)),
        Payload::StreamUpdated(e) => {
            let event = StreamUpdated {
                stream_id: StreamId(e.stream_id),
                title: e.title.clone(),
                description: e.description.clone(),
                category_id: e.category_id,
            };
            hub.tell(event.stream_id, &event);
        }
        _ => {}
    }
}

async fn hear_messages(hub: Arc<Hub>, mut realtime: RealtimeSubscriber) {
    while let Some(heard) = realtime.next().await {
        match heard {
            RealtimeHeard::Connected => {
                let hub = hub.clone();
                tokio::spawn(async move { hub.resync().await });
            }
            RealtimeHeard::Message { message, span, .. } => {
                span.in_scope(|| realtime_message(&hub, &message));
            }
        }
    }
}

fn realtime_message(hub: &Arc<Hub>, message: &Message) {
    match message {
        Message::ChatMessagesPosted(m) => {
            hub.posted(StreamId(m.stream_id), m.messages.iter().map(Line::from));
        }
        Message::ChatMessageDeleted(m) => hub.message_deleted(StreamId(m.stream_id), m.id.clone(), m.seq),
        Message::ViewerCountChanged(m) => hub.counted(StreamId(m.stream_id), m.count),
        Message::UsersNotified(m) => hub.notified(m),
        Message::NotificationsRead(m) => hub.read(m),
        Message::ChatSettingsUpdated(m) => {
            let event = ChatSettingsUpdated {
                stream_id: StreamId(m.stream_id),
                slow_mode_seconds: m.slow_mode_seconds,
                followers_only: m.followers_only,
            };
            hub.tell(event.stream_id, &event);
        }
        Message::ChatUserBanned(m) => {
            let event = UserBanned {
                stream_id: StreamId(m.stream_id),
                user_id: UserId(m.user_id),
                expires_at: datetime(m.expires_at.as_ref()),
            };
            hub.tell(event.stream_id, &event);
        }
    }
}

async fn hear_revocations(hub: Arc<Hub>, mut revocations: Receiver<Revocation>) {
    loop {
        match revocations.recv().await {
            Ok(revocation) => hub.revoked(&revocation),
            Err(RecvError::Lagged(_)) => hub.look_at_all(),
            Err(RecvError::Closed) => return,
        }
    }
}
