//! Realtime messages that gateways push to users' sockets. A lost one is repaired by reading the list.

use bus::Realtime;
use chrono::{DateTime, Utc};
use primitives::UserId;
use proto::events::v1::realtime::Message;
use proto::events::v1::{NotificationsRead, NotifiedUser, UsersNotified};
use proto::notification::v1 as pb;

use crate::domain::Subject;
use crate::store::fanouts::{CreatedNotification, StoredFanout};

/// Publishes one message for all notifications of a page, or none if the page created none.
pub fn users_notified(
    realtime: &Realtime,
    stored: &StoredFanout,
    created: &[CreatedNotification],
    at: DateTime<Utc>,
) {
    if created.is_empty() {
        return;
    }
    let fanout = &stored.fanout;
    let users = created.iter().map(|notification| NotifiedUser {
        user_id: notification.user_id,
        notification_id: notification.id,
    });
    let message = UsersNotified {
        r#type: fanout.kind.as_str().to_owned(),
        message: stored.message.clone(),
        related_entity_id: fanout.entity_id,
        related_entity_type: fanout.kind.entity_type().to_owned(),
        created_at: Some(proto::time::timestamp(at)),
        users: users.collect(),
        actor_id: fanout.actor().0,
        subject: fanout.subject().map(Into::into),
    };
    realtime.publish(Realtime::USERS, Message::UsersNotified(message));
}

impl From<Subject> for pb::Subject {
    fn from(Subject { id, title }: Subject) -> Self {
        Self { id, title }
    }
}

/// Which of a user's notifications were marked as read.
pub enum MarkedRead {
    Ids(Vec<i64>),
    All,
}

/// Publishes what a user has read, with the unread count after it.
pub fn notifications_read(realtime: &Realtime, user: UserId, marked: MarkedRead, unread_count: u64) {
    let (ids, all) = match marked {
        MarkedRead::Ids(ids) => (ids, false),
        MarkedRead::All => (Vec::new(), true),
    };
    let message = NotificationsRead {
        user_id: user.0,
        ids,
        all,
        unread_count,
    };
    realtime.publish(Realtime::USERS, Message::NotificationsRead(message));
}
