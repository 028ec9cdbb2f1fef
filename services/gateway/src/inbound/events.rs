//! Applies what arrives from the bus: durable events, which every replica gets, realtime messages of the
//! rooms in memory, and revocations. After each reconnection the hub fetches what was missed.

mod notifications;

use std::sync::Arc;

use bus::{Listener, ListenerEvent, RealtimeSubscriber, SubscriberEvent};
use identity::{Revocation, Verifier};
use primitives::{StreamId, UserId};
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message;
use proto::events::v1::{UserDeleted, UserUpdated};
use proto::time::datetime;
use runtime::Shutdown;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::event::{ChatMessage, ChatSettingsUpdated, ServerEvent, StreamUpdated, UserBanned};
use crate::hub::Hub;
use crate::inbound::events::notifications::Notifications;
use crate::inbound::rest::Recent;
use crate::outbound::people::People;

/// Routing keys of the durable events. `runtime::identity_sync` consumes revocations.
pub(crate) const KEYS: &[&str] = &["stream.*", "vod.*", "category.*", "user.updated", "user.deleted"];

pub(crate) fn start(
    hub: &Arc<Hub>,
    people: &People,
    recent: &Recent,
    verifier: &Verifier,
    listener: Listener,
    realtime: RealtimeSubscriber,
    shutdown: &Shutdown,
) {
    // Sockets get events and messages until the drain has finished.
    let spawn_until_drained = |name, task: futures::future::BoxFuture<'static, ()>| {
        let hub = hub.clone();
        shutdown.spawn_essential(name, async move {
            tokio::select! { () = task => {}, () = hub.drain.finished() => {} }
        });
    };
    let (notifications, delivery) = Notifications::new(hub, people);
    let events = receive_events(hub.clone(), people.clone(), recent.clone(), listener);
    spawn_until_drained("events", Box::pin(events));
    spawn_until_drained(
        "realtime",
        Box::pin(receive_messages(hub.clone(), notifications, realtime)),
    );
    spawn_until_drained("notifications", Box::pin(delivery));
    let stop = shutdown.clone();
    let revocations = receive_revocations(hub.clone(), verifier.revocations());
    shutdown.spawn_essential("revocations", async move {
        tokio::select! { () = revocations => {}, () = stop.stopping() => {} }
    });
}

async fn receive_events(hub: Arc<Hub>, people: People, recent: Recent, mut listener: Listener) {
    while let Some(received) = listener.next().await {
        match received {
            ListenerEvent::Connected => spawn_resync(&hub),
            ListenerEvent::Event(event, span) => {
                let version = event.version;
                let Some(payload) = event.payload else { continue };
                // First, because clients that receive the event may fetch what it changed.
                recent.forget();
                if let Payload::UserUpdated(UserUpdated { user_id, .. })
                | Payload::UserDeleted(UserDeleted { user_id }) = payload
                {
                    people.forget(UserId(user_id)).await;
                } else {
                    span.in_scope(|| apply_event(&hub, &payload, version));
                }
            }
        }
    }
}

fn apply_event(hub: &Hub, payload: &Payload, version: i64) {
    let membership = &hub.membership;
    match payload {
        Payload::StreamStarted(e) => membership.apply_live_event(StreamId(e.stream_id), true, version),
        Payload::StreamEnded(e) => membership.apply_live_event(StreamId(e.stream_id), false, version),
        Payload::StreamDeleted(e) => membership.stream_deleted(StreamId(e.stream_id)),
        Payload::StreamUpdated(e) => {
            let event = StreamUpdated {
                stream_id: StreamId(e.stream_id),
                title: e.title.clone(),
                description: e.description.clone(),
                category_id: e.category_id,
            };
            broadcast(hub, event.stream_id, &event);
        }
        // The others only concern the caches.
        _ => {}
    }
}

async fn receive_messages(hub: Arc<Hub>, notifications: Notifications, mut realtime: RealtimeSubscriber) {
    while let Some(received) = realtime.next().await {
        match received {
            SubscriberEvent::Connected => spawn_resync(&hub),
            SubscriberEvent::Message { message, span, .. } => {
                span.in_scope(|| apply_message(&hub, &notifications, message));
            }
        }
    }
}

fn apply_message(hub: &Hub, notifications: &Notifications, message: Message) {
    match message {
        Message::ChatMessagesPosted(m) => {
            let messages = m.messages.iter().map(ChatMessage::from);
            hub.delivery.deliver(StreamId(m.stream_id), messages);
        }
        Message::ChatMessageDeleted(m) => {
            if let Some(room) = hub.rooms.get(StreamId(m.stream_id)) {
                room.delete_message(m.id, m.seq);
            }
        }
        Message::ViewerCountChanged(m) => {
            if let Some(room) = hub.rooms.get(StreamId(m.stream_id)) {
                room.set_viewer_count(m.count);
            }
        }
        Message::UsersNotified(m) => notifications.notified(m),
        Message::NotificationsRead(m) => notifications.read(m),
        Message::ChatSettingsUpdated(m) => {
            let event = ChatSettingsUpdated {
                stream_id: StreamId(m.stream_id),
                slow_mode_seconds: m.slow_mode_seconds,
                followers_only: m.followers_only,
            };
            broadcast(hub, event.stream_id, &event);
        }
        Message::ChatUserBanned(m) => {
            let event = UserBanned {
                stream_id: StreamId(m.stream_id),
                user_id: UserId(m.user_id),
                expires_at: datetime(m.expires_at.as_ref()),
            };
            broadcast(hub, event.stream_id, &event);
        }
    }
}

fn broadcast<E: ServerEvent>(hub: &Hub, stream: StreamId, event: &E) {
    if let Some(room) = hub.rooms.get(stream) {
        room.broadcast(event);
    }
}

/// Resyncs in a task of its own, so that new messages are received meanwhile.
fn spawn_resync(hub: &Arc<Hub>) {
    let hub = hub.clone();
    tokio::spawn(async move { hub.repair.resync().await });
}

async fn receive_revocations(hub: Arc<Hub>, mut revocations: Receiver<Revocation>) {
    loop {
        match revocations.recv().await {
            Ok(revocation) => hub.connections.disconnect_revoked_by(&revocation),
            Err(RecvError::Lagged(_)) => hub.connections.disconnect_all_revoked(),
            Err(RecvError::Closed) => return,
        }
    }
}
