//! The events that sockets receive. Each is declared once, with its name and its data; `/asyncapi.json` is
//! generated from the same types.

mod message;

use chrono::{DateTime, Utc};
use primitives::{StreamId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

pub(crate) use message::ChatMessage;

use crate::outbound::notification::Notification;

/// An event from the server.
pub(crate) trait ServerEvent: Serialize + ToSchema {
    /// The event's name on the wire.
    const NAME: &'static str;
}

/// Visits the type of every event.
pub(crate) trait EventVisitor {
    fn visit<E: ServerEvent>(&mut self);
}

/// Describes an id.
pub(crate) fn id() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1_i64))
        .into()
}

/// Declares events, each with its name on the wire and the fields of its data.
macro_rules! server_events {
    ($($(#[$meta:meta])* $name:literal $event:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {
        $(
        $(#[$meta])*
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $event {
            $($(#[$field_meta])* pub(crate) $field: $type,)*
        }

        impl ServerEvent for $event {
            const NAME: &'static str = $name;
        }
        )*

        /// Calls the visitor with every event.
        pub(crate) fn visit_all(visitor: &mut impl EventVisitor) {
            visitor.visit::<ChatMessage>();
            visitor.visit::<Notification>();
            $(visitor.visit::<$event>();)*
        }
    };
}

server_events! {
    /// The latest messages of a room, sent to a socket that joins it.
    "recent_chat_history" RecentChatHistory {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        /// Ordered by `seq`.
        messages: Vec<ChatMessage>,
        /// Whether messages were left out: older ones or, after `afterSeq`, newer ones.
        truncated: bool,
    }
    /// The socket joined the room. Sent after the history.
    "room_joined_successfully" RoomJoinedSuccessfully {
        #[schema(schema_with = id)]
        stream_id: StreamId,
    }
    /// A message was deleted. Its sequence number is not reused.
    "message_deleted" MessageDeleted {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        id: String,
        #[schema(minimum = 1)]
        seq: i64,
    }
    /// The viewer count of a stream changed. Sent at most once per second.
    "viewer_count_updated" ViewerCountUpdated {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        count: u32,
    }
    /// The stream is live again. Sent to the sockets that were in its room when it ended.
    "stream_started" StreamStarted {
        #[schema(schema_with = id)]
        stream_id: StreamId,
    }
    /// The stream ended, and all sockets left its room.
    "stream_ended_notification" StreamEndedNotification {
        /// The stream's id as a string.
        room_id: String,
        #[schema(schema_with = id)]
        stream_id: StreamId,
        message: &'static str,
    }
    /// The title, description or category of the stream changed.
    "stream_updated" StreamUpdated {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        title: String,
        description: String,
        #[schema(required, minimum = 1)]
        category_id: Option<i64>,
    }
    /// The settings of the chat room changed.
    "chat_settings_updated" ChatSettingsUpdated {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        /// Seconds between two messages of one user; 0 if slow mode is off.
        slow_mode_seconds: u32,
        /// Whether only followers of the streamer may send messages.
        followers_only: bool,
    }
    /// A user was banned from the chat room; permanently if `expiresAt` is null.
    "user_banned" UserBanned {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        #[schema(schema_with = id)]
        user_id: UserId,
        #[schema(required)]
        expires_at: Option<DateTime<Utc>>,
    }
    /// Notifications were marked as read, by this or another client of the user.
    "notification_read" NotificationRead {
        /// Empty if all were read.
        ids: Vec<i64>,
        all: bool,
        unread_count: u64,
    }
    /// The socket receives its user's notifications.
    "notification_room_joined" NotificationRoomJoined {
        /// `user_` followed by the user's id.
        room: String,
    }
    /// The socket's token expired. The socket is a guest's until it sends `authenticate`.
    "token_expired" TokenExpired {}
    /// The server is about to stop. Reconnect after this many milliseconds.
    "server_draining" ServerDraining { reconnect_in_ms: u64, }
}

/// A message of the room. Sent to all its sockets, including the sender's.
impl ServerEvent for ChatMessage {
    const NAME: &'static str = "new_message";
}

/// Sent to all sockets of the notified user.
impl ServerEvent for Notification {
    const NAME: &'static str = "new_notification";
}
