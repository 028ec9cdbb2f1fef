//! What a socket is told, each event with its name and its data. `/asyncapi.json` describes the same.

use chrono::{DateTime, Utc};
use primitives::{StreamId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::hub::line::Line;

/// An event from the server.
pub(crate) trait ServerEvent: Serialize + ToSchema {
    /// The name that clients listen to.
    const NAME: &'static str;
}

/// Is shown every event, each as its type.
pub(crate) trait EventVisitor {
    fn visit<E: ServerEvent>(&mut self);
}

/// An id, as it is described.
pub(crate) fn id() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1_i64))
        .into()
}

/// Declares events: a name on the wire and the shape of its data.
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

        /// Shows all events.
        pub(crate) fn visit_all(visitor: &mut impl EventVisitor) {
            visitor.visit::<Line>();
            $(visitor.visit::<$event>();)*
        }
    };
}

server_events! {
    /// The messages before those that follow, to whoever comes into a room.
    "recent_chat_history" RecentChatHistory {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        /// In order of `seq`.
        messages: Vec<Line>,
        /// There are more than these: older ones, or after `afterSeq` more of those that follow.
        truncated: bool,
    }
    /// The welcome, after the history.
    "room_joined_successfully" RoomJoinedSuccessfully {
        #[schema(schema_with = id)]
        stream_id: StreamId,
    }
    /// A message is gone; its number stays used.
    "message_deleted" MessageDeleted {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        id: String,
        #[schema(minimum = 1)]
        seq: i64,
    }
    /// How many watch, at most once a second and only when it changed.
    "viewer_count_updated" ViewerCountUpdated {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        count: u32,
    }
    /// The stream is live again, to those who were in its room at its last end.
    "stream_started" StreamStarted {
        #[schema(schema_with = id)]
        stream_id: StreamId,
    }
    /// The stream has ended, and everyone is out of its room.
    "stream_ended_notification" StreamEndedNotification {
        /// The stream's id as text.
        room_id: String,
        #[schema(schema_with = id)]
        stream_id: StreamId,
        message: &'static str,
    }
    /// The stream's words have changed.
    "stream_updated" StreamUpdated {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        title: String,
        description: String,
        #[schema(required, minimum = 1)]
        category_id: Option<i64>,
    }
    /// The rules of the room have changed.
    "chat_settings_updated" ChatSettingsUpdated {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        /// Between two messages of one user; 0 when there is no pause.
        slow_mode_seconds: u32,
        /// Only those who follow the owner speak.
        followers_only: bool,
    }
    /// Somebody may not speak any more, for good when `expiresAt` is null.
    "user_banned" UserBanned {
        #[schema(schema_with = id)]
        stream_id: StreamId,
        #[schema(schema_with = id)]
        user_id: UserId,
        #[schema(required)]
        expires_at: Option<DateTime<Utc>>,
    }
    /// A notification, to all sockets of its user.
    "new_notification" NewNotification {
        #[schema(minimum = 1)]
        id: i64,
        /// `new_follower`, `stream_started` or `new_vod`.
        r#type: String,
        message: String,
        related_entity_id: i64,
        /// `user`, `stream` or `vod`.
        related_entity_type: String,
        #[schema(required)]
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
    "notification_room_joined" NotificationRoomJoined {
        /// `user_` and the user's id.
        room: String,
    }
    /// The socket's token has expired: it is a guest's until `authenticate`.
    "token_expired" TokenExpired {}
    /// The process is about to stop: the client comes back after so many milliseconds, to another replica or
    /// to the next one.
    "server_draining" ServerDraining { reconnect_in_ms: u64, }
}

/// A message of the room, to everyone in it, its sender included.
impl ServerEvent for Line {
    const NAME: &'static str = "new_message";
}
