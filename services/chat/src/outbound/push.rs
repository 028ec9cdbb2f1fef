//! What the gateways that hold sockets of a room are told. A lost message is found by its number.

use bus::Realtime;
use chrono::{DateTime, Utc};
use primitives::{StreamId, UserId};
use proto::events::v1::realtime::Message as Payload;
use proto::events::v1::{ChatMessageDeleted, ChatMessagesPosted, ChatSettingsUpdated, ChatUserBanned};

use crate::domain::Settings;
use crate::store::messages::Message;

/// Announces messages of one room that were stored together; nothing for none.
pub fn messages_posted(realtime: &Realtime, stream: StreamId, messages: &[Message]) {
    if messages.is_empty() {
        return;
    }
    let posted = ChatMessagesPosted {
        stream_id: stream.0,
        messages: messages.iter().cloned().map(Into::into).collect(),
    };
    realtime.publish(
        Realtime::stream_key(stream.0),
        Payload::ChatMessagesPosted(posted),
    );
}

/// Announces that a message was deleted.
pub fn message_deleted(realtime: &Realtime, message: &Message) {
    let stream = message.stream();
    let deleted = ChatMessageDeleted {
        stream_id: stream.0,
        id: message.id.clone(),
        seq: message.seq,
    };
    realtime.publish(
        Realtime::stream_key(stream.0),
        Payload::ChatMessageDeleted(deleted),
    );
}

/// Announces a room's new rules.
pub fn settings_updated(realtime: &Realtime, stream: StreamId, settings: &Settings) {
    let updated = ChatSettingsUpdated {
        stream_id: stream.0,
        slow_mode_seconds: settings.slow_mode_seconds,
        followers_only: settings.followers_only,
    };
    realtime.publish(
        Realtime::stream_key(stream.0),
        Payload::ChatSettingsUpdated(updated),
    );
}

/// Announces that somebody may not speak any more.
pub fn user_banned(realtime: &Realtime, stream: StreamId, user: UserId, expires_at: Option<DateTime<Utc>>) {
    let banned = ChatUserBanned {
        stream_id: stream.0,
        user_id: user.0,
        expires_at: expires_at.map(proto::time::timestamp),
    };
    realtime.publish(Realtime::stream_key(stream.0), Payload::ChatUserBanned(banned));
}
