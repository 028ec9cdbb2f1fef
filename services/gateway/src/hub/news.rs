//! What the bus says, told to the rooms and sockets that it is for.

use std::sync::Arc;
use std::time::Duration;

use identity::Revocation;
use primitives::StreamId;
use proto::events::v1::{NotificationsRead, UsersNotified};
use proto::time::datetime;

use crate::domain::life::{Change, Life};
use crate::hub::Hub;
use crate::hub::event::{NewNotification, NotificationRead, ServerEvent};
use crate::hub::line::Line;
use crate::hub::room::Room;

/// Messages often overtake one another by a little; only a gap that stays is worth a question.
const GAP_PATIENCE: Duration = Duration::from_millis(30);

impl Hub {
    pub(super) fn life_changed(&self, room: &Arc<Room>, news: impl FnOnce(&mut Life) -> Option<Change>) {
        for viewer in room.live_changed(news) {
            self.exit(room.id(), &viewer);
        }
    }

    /// An event said that a stream started or ended.
    pub(crate) fn live_heard(&self, stream: StreamId, live: bool, version: i64) {
        if let Some(room) = self.rooms.get(stream) {
            self.life_changed(&room, |life| life.heard(live, version));
        }
    }

    /// A stream was deleted.
    pub(crate) fn stream_deleted(&self, stream: StreamId) {
        let Some(room) = self.rooms.get(stream) else {
            return;
        };
        for viewer in room.stream_deleted() {
            self.exit(stream, &viewer);
        }
    }

    /// Tells everyone in a stream's room.
    pub(crate) fn tell<E: ServerEvent>(&self, stream: StreamId, event: &E) {
        if let Some(room) = self.rooms.get(stream) {
            room.tell(event);
        }
    }

    /// How many watch a stream.
    pub(crate) fn counted(&self, stream: StreamId, viewers: u32) {
        if let Some(room) = self.rooms.get(stream) {
            room.counted(viewers);
        }
    }

    /// A message is gone.
    pub(crate) fn message_deleted(&self, stream: StreamId, id: String, seq: i64) {
        if let Some(room) = self.rooms.get(stream) {
            room.message_deleted(id, seq);
        }
    }

    /// Messages were stored. They are delivered in their turn, and what is missing before them is fetched.
    pub(crate) fn posted(self: &Arc<Self>, stream: StreamId, lines: impl IntoIterator<Item = Line>) {
        let Some(room) = self.rooms.get(stream) else {
            return;
        };
        if room.offer(lines) {
            let hub = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(GAP_PATIENCE).await;
                if room.complete().is_some_and(|(_, gap)| gap) {
                    hub.catch_up(&room).await;
                }
            });
        }
    }

    /// Pushes a notice to all sockets of the users that it is for.
    pub(crate) fn notified(&self, notice: &UsersNotified) {
        for user in &notice.users {
            let sockets = self.of_user(primitives::UserId(user.user_id));
            if sockets.is_empty() {
                continue;
            }
            let _span = tracing::info_span!("socket.new_notification", user_id = user.user_id).entered();
            let event = NewNotification {
                id: user.notification_id,
                r#type: notice.r#type.clone(),
                message: notice.message.clone(),
                related_entity_id: notice.related_entity_id,
                related_entity_type: notice.related_entity_type.clone(),
                created_at: datetime(notice.created_at.as_ref()),
            };
            sockets.iter().for_each(|socket| socket.emit(&event));
        }
    }

    /// Tells all tabs of a user what one of them has read.
    pub(crate) fn read(&self, read: &NotificationsRead) {
        let event = NotificationRead {
            ids: read.ids.clone(),
            all: read.all,
            unread_count: read.unread_count,
        };
        let sockets = self.of_user(primitives::UserId(read.user_id));
        sockets.iter().for_each(|socket| socket.emit(&event));
    }

    /// Closes the sockets whose token was revoked.
    pub(crate) fn revoked(&self, revocation: &Revocation) {
        self.close_those(|user| revocation.refuses(user));
    }

    /// Closes all sockets whose token is revoked, when it is not known which news were missed.
    pub(crate) fn look_at_all(&self) {
        self.close_those(|user| self.verifier.is_revoked(user));
    }

    fn close_those(&self, refused: impl Fn(&identity::User) -> bool) {
        for connection in self.all() {
            if connection.session().is_some_and(|session| refused(&session.user)) {
                connection.expel();
            }
        }
    }
}
