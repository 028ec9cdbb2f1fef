//! A chat message as clients get it, written once for all sockets.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use proto::chat::v1::Message;
use proto::time::datetime;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A message in its room's sequence.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) seq: i64,
    /// Deleted: its number stays used, and nobody is shown it.
    pub(crate) deleted: bool,
    json: Arc<RawValue>,
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl PartialSchema for Line {
    fn schema() -> RefOr<Schema> {
        Shape::schema()
    }
}

impl ToSchema for Line {
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
    /// Its place in the room's sequence.
    seq: i64,
    stream_id: i64,
    user_id: i64,
    username: &'a str,
    message: &'a str,
    timestamp: Option<DateTime<Utc>>,
}

impl From<&Message> for Line {
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
