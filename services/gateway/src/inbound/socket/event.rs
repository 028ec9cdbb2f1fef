//! What a client sends: an event with its data, and what it is answered.

use std::convert::Infallible;
use std::sync::Arc;

use primitives::{Error, ErrorKind, StreamId};
use serde::Serialize;
use serde_json::{Map, Value};
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::AckSender;
use socketioxide::handler::FromMessage;
use socketioxide::socket::Socket;
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type};

use crate::hub::event::id;
use crate::inbound::socket::client::Failure;

/// Largest event, name and all.
const MAX_BYTES: usize = 16 * 1024;

/// An event as it came.
pub(super) struct Incoming {
    pub(super) name: String,
    /// The first argument; null when there is none.
    pub(super) data: Value,
    pub(super) ack: AckSender,
}

/// An event that nobody has read yet.
pub(super) struct RawEvent(socketioxide::handler::Value);

/// The library reads the number of the acknowledgement before this. For one above `i64::MAX`, up to which no
/// client ever counts, it says that none is asked for, and nothing that we are given tells the two apart:
/// such an event is handled and not answered.
impl FromMessage<LocalAdapter> for RawEvent {
    type Error = Infallible;

    fn from_message(
        _: Arc<Socket<LocalAdapter>>,
        value: socketioxide::handler::Value,
        _: Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self(value))
    }
}

impl RawEvent {
    /// The event's name and data.
    pub(super) fn read(&self) -> Result<(String, Value), Error> {
        parse(&self.0)
    }
}

fn parse(value: &socketioxide::handler::Value) -> Result<(String, Value), Error> {
    let malformed = || Error::new(ErrorKind::Invalid, "event.malformed", "The event is malformed.");
    let socketioxide::handler::Value::Str(text, attachments) = value else {
        return Err(malformed());
    };
    if text.len() > MAX_BYTES {
        return Err(Error::new(
            ErrorKind::TooLarge,
            "event.too_large",
            "An event may have 16 kB.",
        ));
    }
    if attachments.as_ref().is_some_and(|parts| !parts.is_empty()) {
        return Err(malformed());
    }
    let mut parts = serde_json::from_str::<Vec<Value>>(text)
        .map_err(|_| malformed())?
        .into_iter();
    let Some(Value::String(name)) = parts.next() else {
        return Err(malformed());
    };
    Ok((name, parts.next().unwrap_or_default()))
}

/// What an event is answered with.
#[derive(Serialize)]
struct Acknowledgement<T> {
    ok: bool,
    #[serde(flatten)]
    answer: T,
}

/// Why an event is refused.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refusal<'a> {
    #[serde(flatten)]
    failure: Failure<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// Acknowledges with `{ok: true, …}`.
pub(super) fn accept(ack: AckSender, answer: Map<String, Value>) {
    // A client that is gone needs no answer, and one that does not read gets none.
    let _ = ack.send(&Acknowledgement { ok: true, answer });
}

/// Acknowledges with `{ok: false, code, message}`.
pub(super) fn refuse(ack: AckSender, error: &Error) {
    let wait = error.retry_after.map(|after| after.as_millis());
    let answer = Refusal {
        failure: Failure::from(error),
        retry_after_ms: wait.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
    };
    let _ = ack.send(&Acknowledgement { ok: false, answer });
}

/// The `streamId` of an event's data, which clients send as a number or as digits.
pub(super) fn stream_id(data: &Value) -> Result<StreamId, Error> {
    let required = || Error::new(ErrorKind::Invalid, "stream.id_required", "Stream ID is required.");
    let not_found = || Error::new(ErrorKind::NotFound, "stream.not_found", "Stream not found.");
    match data.get("streamId") {
        None | Some(Value::Null) => Err(required()),
        Some(Value::String(text)) if text.trim().is_empty() => Err(required()),
        Some(Value::String(text)) => text.parse().map_err(|_| not_found()),
        Some(Value::Number(number)) => number
            .as_i64()
            .and_then(|id| StreamId::try_from(id).ok())
            .ok_or_else(not_found),
        Some(_) => Err(not_found()),
    }
}

/// The same, as it is described.
pub(super) fn described_stream_id() -> RefOr<Schema> {
    let digits = ObjectBuilder::new().schema_type(Type::String);
    OneOfBuilder::new()
        .item(id())
        .item(digits.pattern(Some("^[1-9][0-9]{0,18}$")))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(text: &str) -> socketioxide::handler::Value {
        socketioxide::handler::Value::Str(text.to_owned().into(), None)
    }

    #[test]
    fn an_event_is_a_name_and_perhaps_data() {
        assert_eq!(
            parse(&text(r#"["a",{"b":1},2]"#)),
            Ok(("a".to_owned(), json!({"b": 1})))
        );
        assert_eq!(parse(&text(r#"["a"]"#)), Ok(("a".to_owned(), Value::Null)));
        for bad in ["", "[]", "[1]", r#"{"a":1}"#, r#"["a""#] {
            assert_eq!(parse(&text(bad)).unwrap_err().code, "event.malformed", "{bad}");
        }
        let long = format!(r#"["a","{}"]"#, "x".repeat(MAX_BYTES));
        assert_eq!(parse(&text(&long)).unwrap_err().code, "event.too_large");
    }

    #[test]
    fn a_stream_id_is_a_number_or_digits() {
        assert_eq!(stream_id(&json!({"streamId": 7})), Ok(StreamId(7)));
        assert_eq!(stream_id(&json!({"streamId": "7"})), Ok(StreamId(7)));
        for missing in [
            json!(null),
            json!({}),
            json!({"streamId": null}),
            json!({"streamId": ""}),
            json!("7"),
        ] {
            assert_eq!(
                stream_id(&missing).unwrap_err().detail,
                "Stream ID is required.",
                "{missing}"
            );
        }
        for bad in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!("07"),
            json!(true),
            json!("a".repeat(1000)),
        ] {
            assert_eq!(
                stream_id(&json!({"streamId": bad})).unwrap_err().detail,
                "Stream not found.",
                "{bad}"
            );
        }
    }
}
