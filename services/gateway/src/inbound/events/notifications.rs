//! Notifications on their way to the sockets of their users. The profile of the actor has to be fetched, so
//! they have a task of their own: chat messages do not wait for auth.

use std::sync::Arc;
use std::time::Duration;

use primitives::UserId;
use proto::CallContext;
use proto::events::v1::{NotificationsRead, UsersNotified};
use proto::time::datetime;
use tokio::sync::mpsc;
use tracing::{Instrument, Span};

use crate::event::NotificationRead;
use crate::hub::Hub;
use crate::outbound::notification::{Notification, Subject};
use crate::outbound::people::People;

/// Messages that wait for the profile of an earlier one. More are dropped: clients list them later.
const QUEUE_LENGTH: usize = 1024;
/// How long the profile of an actor may take. Without it, the notification has no actor.
const PROFILE_TIMEOUT: Duration = Duration::from_secs(1);

/// Queues messages about notifications; one queue keeps their order.
pub(super) struct Notifications {
    hub: Arc<Hub>,
    queue: mpsc::Sender<(Queued, Span)>,
}

enum Queued {
    Notified(UsersNotified),
    Read(NotificationsRead),
}

impl Notifications {
    /// Returns the queue, and the task that delivers what it contains.
    pub(super) fn new(hub: &Arc<Hub>, people: &People) -> (Self, impl Future<Output = ()> + use<>) {
        let (queue, receiver) = mpsc::channel(QUEUE_LENGTH);
        let notifications = Self {
            hub: hub.clone(),
            queue,
        };
        (notifications, deliver_all(hub.clone(), people.clone(), receiver))
    }

    pub(super) fn notified(&self, mut message: UsersNotified) {
        // Most gateways have a socket of few of these users.
        let connections = &self.hub.connections;
        message
            .users
            .retain(|user| connections.has_user(UserId(user.user_id)));
        if !message.users.is_empty() {
            self.enqueue(Queued::Notified(message));
        }
    }

    pub(super) fn read(&self, message: NotificationsRead) {
        if self.hub.connections.has_user(UserId(message.user_id)) {
            self.enqueue(Queued::Read(message));
        }
    }

    fn enqueue(&self, message: Queued) {
        if self.queue.try_send((message, Span::current())).is_err() {
            tracing::warn!("notification queue is full, dropping a message");
        }
    }
}

async fn deliver_all(hub: Arc<Hub>, people: People, mut queue: mpsc::Receiver<(Queued, Span)>) {
    while let Some((message, span)) = queue.recv().await {
        match message {
            Queued::Notified(message) => notify(&hub, &people, message).instrument(span).await,
            Queued::Read(message) => span.in_scope(|| mark_read(&hub, message)),
        }
    }
}

async fn notify(hub: &Hub, people: &People, message: UsersNotified) {
    let context = CallContext::background(PROFILE_TIMEOUT);
    let mut found = people.of([message.actor_id], &context).await;
    let mut event = Notification {
        id: 0,
        kind: message.r#type,
        message: message.message,
        actor: found.remove(&message.actor_id),
        subject: message.subject.map(Subject::from),
        related_entity_id: message.related_entity_id,
        related_entity_type: message.related_entity_type,
        created_at: datetime(message.created_at.as_ref()),
    };
    for user in message.users {
        let _span = tracing::info_span!("socket.new_notification", user_id = user.user_id).entered();
        event.id = user.notification_id;
        hub.connections.emit_to_user(UserId(user.user_id), &event);
    }
}

fn mark_read(hub: &Hub, message: NotificationsRead) {
    let event = NotificationRead {
        ids: message.ids,
        all: message.all,
        unread_count: message.unread_count,
    };
    hub.connections.emit_to_user(UserId(message.user_id), &event);
}
