//! Reads the packets of client events, and writes their acknowledgements.

use std::convert::Infallible;
use std::sync::Arc;

use primitives::{Error, ErrorKind};
use serde::Serialize;
use serde_json::{Map, Value};
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::AckSender;
use socketioxide::handler::FromMessage;
use socketioxide::socket::Socket;

use crate::inbound::socket::client::EventError;

/// Largest event, including its name.
const MAX_BYTES: usize = 16 * 1024;

pub(super) struct Incoming {
    pub(super) name: String,
    /// The first argument, or null.
    pub(super) data: Value,
    pub(super) ack: AckSender,
}

/// An event that has not been parsed yet.
pub(super) struct RawEvent(socketioxide::handler::Value);

/// The library reads the number of the acknowledgement first. It treats one above `i64::MAX`, which no client
/// reaches by counting, as absent: the event is handled but not acknowledged.
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
    /// Returns the event's name and data.
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
            "An event may have at most 16 kB.",
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

#[derive(Serialize)]
struct Acknowledgement<T> {
    ok: bool,
    #[serde(flatten)]
    reply: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rejection<'a> {
    #[serde(flatten)]
    error: EventError<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// Acknowledges with `{ok: true, …}`.
pub(super) fn accept(ack: AckSender, reply: Map<String, Value>) {
    // Fails if the socket has closed or its buffer is full: then no acknowledgement is possible.
    let _ = ack.send(&Acknowledgement { ok: true, reply });
}

/// Acknowledges with `{ok: false, code, message}`.
pub(super) fn reject(ack: AckSender, error: &Error) {
    let wait = error.retry_after.map(|after| after.as_millis());
    let reply = Rejection {
        error: EventError::from(error),
        retry_after_ms: wait.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
    };
    let _ = ack.send(&Acknowledgement { ok: false, reply });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(text: &str) -> socketioxide::handler::Value {
        socketioxide::handler::Value::Str(text.to_owned().into(), None)
    }

    #[test]
    fn event_has_a_name_and_optional_data() {
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
}
