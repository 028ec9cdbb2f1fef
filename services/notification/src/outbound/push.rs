//! What gateways push to the sockets of those who were told.

use bus::Realtime;
use chrono::{DateTime, Utc};
use primitives::UserId;
use proto::events::v1::realtime::Message;
use proto::events::v1::{NotificationsRead, NotifiedUser, UsersNotified};

use crate::store::fanouts::{Notified, StoredFanout};

/// Sends one message for all notifications of a page; nothing for none. A lost one shows in the user's list.
pub fn users_notified(realtime: &Realtime, stored: &StoredFanout, notified: &[Notified], at: DateTime<Utc>) {
    if notified.is_empty() {
        return;
    }
    let users = notified
        .iter()
        .map(|n| NotifiedUser {
            user_id: n.user_id,
            notification_id: n.id,
        })
        .collect();
    let message = UsersNotified {
        r#type: stored.fanout.kind.as_str().to_owned(),
        message: stored.message.clone(),
        related_entity_id: stored.fanout.entity_id,
        related_entity_type: stored.fanout.kind.entity_type().to_owned(),
        created_at: Some(proto::time::timestamp(at)),
        users,
        actor_id: 0,
        subject: None,
    };
    realtime.publish(Realtime::USERS, Message::UsersNotified(message));
}

/// What a user has read.
pub enum Read {
    /// The notifications of these ids.
    These(Vec<i64>),
    /// All that there were.
    All,
}

/// Says what a user has read, and how many are unread now.
pub fn notifications_read(realtime: &Realtime, user: UserId, read: Read, unread: u64) {
    let (ids, all) = match read {
        Read::These(ids) => (ids, false),
        Read::All => (Vec::new(), true),
    };
    let message = NotificationsRead {
        user_id: user.0,
        ids,
        all,
        unread_count: unread,
    };
    realtime.publish(Realtime::USERS, Message::NotificationsRead(message));
}
