//! The description of the sockets (AsyncAPI 3.0), generated from the types of the events.

#![expect(clippy::indexing_slicing, reason = "indexes JSON that is built here")]

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::event::{self, EventVisitor, ServerEvent};
use crate::inbound::field::simplify;
use crate::inbound::socket::client::{self, ClientEvent, ClientEventVisitor, EventError};

const ABOUT: &str = "Chat, viewer counts and notifications in real time. Socket.IO protocol 5 over websocket \
    and polling, in the default namespace. A message in an EVENT packet has the event's name and its first argument. \
    The reply of an operation is its acknowledgement, if the client requests one. Events from the server may get \
    more fields.";
const HANDSHAKE: &str = "Sent in the CONNECT packet (`auth` of the official client). Without a token the socket is a \
    guest's, who can watch but not send messages.";
const REJECTED: &str = "The connection was rejected; the message is a stable code.";

/// The codes of the handshake, of the token's verification and of the limits.
const REJECTIONS: [&str; 6] = [
    "auth.token_in_url",
    "auth.token_invalid",
    "auth.token_expired",
    "service.unavailable",
    "socket.too_many_for_user",
    "socket.too_many_for_address",
];

pub(crate) fn document() -> Value {
    let mut parts = Parts::default();
    parts.schemas.insert("Rejection".to_owned(), rejection());
    parts.handshake();
    event::visit_all(&mut parts);
    client::visit_all(&mut parts);
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Airwave sockets",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "airwave": server() },
        "channels": { "sockets": { "address": "/", "title": "The default namespace", "messages": parts.messages } },
        "operations": parts.operations,
        "components": { "schemas": parts.schemas },
    });
    simplify(&mut document);
    document
}

fn server() -> Value {
    json!({
        "host": "{host}",
        "pathname": "/socket.io/",
        "protocol": "socket.io",
        "protocolVersion": "5",
        "variables": { "host": { "default": "localhost:8080", "description": "The host of the platform." } },
    })
}

/// The type of a message's Socket.IO packet, which becomes `x-packet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packet {
    Connect,
    ConnectError,
    Event,
    Ack,
}

impl Packet {
    fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::ConnectError => "CONNECT_ERROR",
            Self::Event => "EVENT",
            Self::Ack => "ACK",
        }
    }
}

/// The parts of the document.
#[derive(Default)]
struct Parts {
    messages: Map<String, Value>,
    operations: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl EventVisitor for Parts {
    fn visit<E: ServerEvent>(&mut self) {
        self.sent::<E>(E::NAME);
    }
}

impl ClientEventVisitor for Parts {
    fn visit<Data: ToSchema, Reply: ToSchema>(&mut self, event: ClientEvent) {
        self.received::<Data, Reply>(event);
        if let Some(name) = event.error_event() {
            self.sent::<EventError<'_>>(name);
        }
    }
}

impl Parts {
    fn handshake(&mut self) {
        let auth =
            json!({ "type": ["object", "null"], "properties": { "token": { "type": ["string", "null"] } } });
        let message = json!({ "type": "string", "enum": REJECTIONS });
        let error =
            json!({ "type": "object", "required": ["message"], "properties": { "message": message } });
        self.message(Packet::Connect, "connect", HANDSHAKE, &auth);
        self.message(Packet::ConnectError, "connect_error", REJECTED, &error);
        self.operations
            .insert("connect".to_owned(), receive("connect", "connect_error"));
    }

    /// Adds an event from the server.
    fn sent<T: ToSchema>(&mut self, name: &str) {
        let (about, payload) = self.schema::<T>();
        self.message(Packet::Event, name, &about, &payload);
        let operation =
            json!({ "action": "send", "channel": channel_ref(), "messages": [message_ref(name)] });
        self.operations.insert(name.to_owned(), operation);
    }

    /// Adds an event from a client and its acknowledgement.
    fn received<T: ToSchema, A: ToSchema>(&mut self, event: ClientEvent) {
        let name = event.name();
        let (about, payload) = self.schema::<T>();
        self.message(Packet::Event, name, &about, &payload);
        let reply = format!("{name}.ack");
        let about = format!("The acknowledgement of `{name}`.");
        self.message(Packet::Ack, &reply, &about, &acknowledgement::<A>());
        self.operations.insert(name.to_owned(), receive(name, &reply));
    }

    fn message(&mut self, packet: Packet, key: &str, about: &str, payload: &Value) {
        let mut message = json!({ "summary": about, "payload": payload, "x-packet": packet.name() });
        if packet == Packet::Event {
            message["name"] = key.into();
        }
        self.messages.insert(key.to_owned(), message);
    }

    /// Adds the schemas of a type; returns its description and a reference to its schema.
    fn schema<T: ToSchema>(&mut self) -> (String, Value) {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        for (name, schema) in schemas {
            self.schemas.insert(name, value(&schema));
        }
        let schema = value(&T::schema());
        let about = schema["description"].as_str().unwrap_or_default().to_owned();
        self.schemas.insert(T::name().into_owned(), schema);
        (
            about,
            json!({ "$ref": format!("#/components/schemas/{}", T::name()) }),
        )
    }
}

/// Returns the operation of a client event with a reply.
fn receive(name: &str, reply: &str) -> Value {
    json!({
        "action": "receive",
        "channel": channel_ref(),
        "messages": [message_ref(name)],
        "reply": { "channel": channel_ref(), "messages": [message_ref(reply)] },
    })
}

fn channel_ref() -> Value {
    json!({ "$ref": "#/channels/sockets" })
}

fn message_ref(key: &str) -> Value {
    json!({ "$ref": format!("#/channels/sockets/messages/{key}") })
}

fn acknowledgement<A: ToSchema>() -> Value {
    let done = with_ok(true, value(&A::schema()));
    json!({ "oneOf": [done, { "$ref": "#/components/schemas/Rejection" }] })
}

/// Describes the error acknowledgement of every event.
fn rejection() -> Value {
    let mut rejection = with_ok(false, value(&EventError::schema()));
    rejection["properties"]["retryAfterMs"] = json!({
        "type": "integer", "minimum": 0, "description": "Milliseconds to wait before a retry, if known."
    });
    rejection
}

fn with_ok(ok: bool, mut schema: Value) -> Value {
    schema["properties"]["ok"] = json!({ "type": "boolean", "const": ok });
    if let Some(required) = schema["required"].as_array_mut() {
        required.push("ok".into());
    }
    schema
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[derive(Default)]
    struct Names(Vec<&'static str>);

    impl EventVisitor for Names {
        fn visit<E: ServerEvent>(&mut self) {
            self.0.push(E::NAME);
        }
    }

    impl ClientEventVisitor for Names {
        fn visit<Data: ToSchema, Reply: ToSchema>(&mut self, event: ClientEvent) {
            assert_eq!(ClientEvent::named(event.name()), Some(event));
            self.0.push(event.name());
            self.0.extend(event.error_event());
        }
    }

    #[test]
    fn every_event_is_described_once() {
        let mut names = Names::default();
        event::visit_all(&mut names);
        client::visit_all(&mut names);
        let document = document();
        let messages = document["channels"]["sockets"]["messages"].as_object().unwrap();
        let described: Vec<&str> = messages
            .values()
            .filter_map(|message| message["name"].as_str())
            .collect();
        let expected: BTreeSet<&str> = names.0.iter().copied().collect();
        assert_eq!(expected.len(), names.0.len(), "two events have the same name");
        assert_eq!(described.iter().copied().collect::<BTreeSet<_>>(), expected);
        for name in described {
            assert!(document["operations"][name].is_object(), "{name}");
            assert_ne!(messages[name]["summary"], "", "{name}");
        }
    }

    #[test]
    fn every_reference_resolves() {
        let document = document();
        let mut left = vec![&document];
        while let Some(value) = left.pop() {
            match value {
                Value::Object(fields) => left.extend(fields.values()),
                Value::Array(items) => left.extend(items),
                _ => {}
            }
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&target[1..]).is_some(), "{target}");
            }
        }
    }
}
