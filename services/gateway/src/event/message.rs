//! A chat message as clients receive it, serialised once for all sockets.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use proto::chat::v1::Message;
use proto::time::datetime;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A serialised message of a chat room. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ChatMessage {
    pub(crate) seq: i64,
    /// A tombstone: it keeps its sequence number but is not sent.
    pub(crate) deleted: bool,
    json: Arc<RawValue>,
}

impl ChatMessage {
    pub(crate) fn json(&self) -> &RawValue {
        &self.json
    }
}

impl Serialize for ChatMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl PartialSchema for ChatMessage {
    fn schema() -> RefOr<Schema> {
        Shape::schema()
    }
}

impl ToSchema for ChatMessage {
    fn name() -> Cow<'static, str> {
        Shape::name()
    }
}

/// A chat message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatMessage)]
struct Shape<'a> {
    id: &'a str,
    /// Its sequence number in the room.
    seq: i64,
    stream_id: i64,
    user_id: i64,
    username: &'a str,
    message: &'a str,
    timestamp: Option<DateTime<Utc>>,
}

impl From<&Message> for ChatMessage {
    fn from(m: &Message) -> Self {
        let shape = Shape {
            id: &m.id,
            seq: m.seq,
            stream_id: m.stream_id,
            user_id: m.user_id,
            username: &m.username,
            message: &m.message,
            timestamp: datetime(m.timestamp.as_ref()),
        };
        let json = serde_json::value::to_raw_value(&shape).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self {
            seq: m.seq,
            deleted: m.deleted,
            json: json.into(),
        }
    }
}
