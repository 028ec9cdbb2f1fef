//! What a socket is told, each event with its name and its data. `/asyncapi.json` describes the same.

use chrono::{DateTime, Utc};
use domain::{StreamId, UserId};
use serde::Serialize;

use crate::hub::line::Line;

/// An event from the server.
pub(crate) trait ServerEvent: Serialize {
    /// The name that clients listen to.
    const NAME: &'static str;
}

/// Declares events: a name on the wire and the shape of its data.
macro_rules! server_events {
    ($($(#[$meta:meta])* $name:literal $event:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $event {
            $($(#[$field_meta])* pub(crate) $field: $type,)*
        }

        impl ServerEvent for $event {
            const NAME: &'static str = $name;
        }
    )*};
}

server_events! {
    /// The messages before those that follow, to whoever comes into a room.
    "recent_chat_history" RecentChatHistory {
        stream_id: StreamId,
        /// In order of `seq`.
        messages: Vec<Line>,
        /// There are more than these: older ones, or after `afterSeq` more of those that follow.
        truncated: bool,
    }
    /// The welcome, after the history.
    "room_joined_successfully" RoomJoinedSuccessfully { stream_id: StreamId, }
    /// A message is gone; its number stays used.
    "message_deleted" MessageDeleted { stream_id: StreamId, id: String, seq: i64, }
    /// How many watch, at most once a second and only when it changed.
    "viewer_count_updated" ViewerCountUpdated { stream_id: StreamId, count: u32, }
    /// The stream is live again, to those who were in its room at its last end.
    "stream_started" StreamStarted { stream_id: StreamId, }
    /// The stream has ended, and everyone is out of its room.
    "stream_ended_notification" StreamEndedNotification {
        /// The stream's id as text.
        room_id: String,
        stream_id: StreamId,
        message: &'static str,
    }
    /// The stream's words have changed.
    "stream_updated" StreamUpdated {
        stream_id: StreamId,
        title: String,
        description: String,
        category_id: Option<i64>,
    }
    /// The rules of the room have changed.
    "chat_settings_updated" ChatSettingsUpdated {
        stream_id: StreamId,
        slow_mode_seconds: u32,
        followers_only: bool,
    }
    /// Somebody may not speak any more, for good when `expiresAt` is null.
    "user_banned" UserBanned {
        stream_id: StreamId,
        user_id: UserId,
        expires_at: Option<DateTime<Utc>>,
    }
    /// A notification, to all sockets of its user.
    "new_notification" NewNotification {
        id: i64,
        r#type: String,
        message: String,
        related_entity_id: i64,
        related_entity_type: String,
        created_at: Option<DateTime<Utc>>,
    }
    /// Notifications were read, in whichever tab: those named, or all that there were.
    "notification_read" NotificationRead {
        /// Empty when all were read.
        ids: Vec<i64>,
        all: bool,
        unread_count: u64,
    }
    /// The socket hears its user's notifications.
    "notification_room_joined" NotificationRoomJoined { room: String, }
    /// The socket's token has expired: it is a guest's until `authenticate`.
    "token_expired" TokenExpired {}
    /// The process is about to stop: the client comes back after so many milliseconds, to another replica or to the next one.
    "server_draining" ServerDraining { reconnect_in_ms: u64, }
}

/// A message of the room, to everyone in it, its sender included.
impl ServerEvent for Line {
    const NAME: &'static str = "new_message";
}
