//! What the gateways that hold sockets of a room are told. A lost message is found by its number.

use bus::Realtime;
use domain::StreamId;
use proto::events::v1::realtime::Message as Payload;
use proto::events::v1::{ChatMessageDeleted, ChatMessagePosted};

use crate::store::messages::Message;

/// Announces a message that was stored.
pub fn message_posted(realtime: &Realtime, stream: StreamId, message: &Message) {
    let posted = ChatMessagePosted {
        id: message.id.clone(),
        stream_id: stream.0,
        seq: message.seq,
        user_id: message.author().0,
        username: message.username.clone(),
        message: message.message.clone(),
        timestamp: Some(proto::time::timestamp(message.time())),
    };
    realtime.publish(Realtime::stream_key(stream.0), Payload::ChatMessagePosted(posted));
}

/// Announces that a message was deleted.
pub fn message_deleted(realtime: &Realtime, stream: StreamId, message: &Message) {
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
