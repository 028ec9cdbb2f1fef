//! Realtime messages for the gateways that serve a room. A gateway finds a lost message by its sequence
//! number.

use bus::Realtime;
use chrono::{DateTime, Utc};
use primitives::{StreamId, UserId};
use proto::chat::v1 as pb;
use proto::events::v1::realtime::Message as Payload;
use proto::events::v1::{ChatMessageDeleted, ChatMessagesPosted, ChatSettingsUpdated, ChatUserBanned};
use proto::time::timestamp;

use crate::domain::Settings;
use crate::store::messages::Message;

/// Publishes messages of one room that were stored together, if there are any.
pub fn messages_posted(realtime: &Realtime, stream: StreamId, messages: &[Message]) {
    if messages.is_empty() {
        return;
    }
    let posted = ChatMessagesPosted {
        stream_id: stream.0,
        messages: messages.iter().cloned().map(Into::into).collect(),
    };
    publish(realtime, stream, Payload::ChatMessagesPosted(posted));
}

pub fn message_deleted(realtime: &Realtime, message: &Message) {
    let stream = message.stream();
    let deleted = ChatMessageDeleted {
        stream_id: stream.0,
        id: message.id.clone(),
        seq: message.seq,
    };
    publish(realtime, stream, Payload::ChatMessageDeleted(deleted));
}

pub fn settings_updated(realtime: &Realtime, stream: StreamId, settings: &Settings) {
    let updated = ChatSettingsUpdated {
        stream_id: stream.0,
        slow_mode_seconds: settings.slow_mode_seconds,
        followers_only: settings.followers_only,
    };
    publish(realtime, stream, Payload::ChatSettingsUpdated(updated));
}

pub fn user_banned(realtime: &Realtime, stream: StreamId, user: UserId, expires_at: Option<DateTime<Utc>>) {
    let banned = ChatUserBanned {
        stream_id: stream.0,
        user_id: user.0,
        expires_at: expires_at.map(timestamp),
    };
    publish(realtime, stream, Payload::ChatUserBanned(banned));
}

fn publish(realtime: &Realtime, stream: StreamId, payload: Payload) {
    realtime.publish(Realtime::stream_key(stream.0), payload);
}

impl From<Message> for pb::Message {
    fn from(message: Message) -> Self {
        Self {
            stream_id: message.stream().0,
            user_id: message.author().0,
            timestamp: Some(timestamp(message.time())),
            id: message.id,
            seq: message.seq,
            username: message.username,
            message: message.message,
            deleted: message.deleted_at.is_some(),
        }
    }
}
