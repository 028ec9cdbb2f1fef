//! The description of the sockets (AsyncAPI 3.0), made from the types that travel over them.

#![expect(
    clippy::indexing_slicing,
    reason = "of JSON that is made right here, from nothing that comes in"
)]

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::hub::event::{EventVisitor, NotificationRoomJoined, ServerEvent, visit_all};
use crate::inbound::socket::client::{
    Authenticate, Authenticated, ClientEvent, Failure, JoinNotificationRoom, JoinStreamRoom, LeaveStreamRoom,
    OfStream, Said, Saying,
};

const ABOUT: &str = "What happens now: chat, viewers, notifications. Socket.IO protocol 5, websocket and polling, in the default \
    namespace. A message of the packet EVENT has the event's name and its first argument; the reply of an operation is its \
    acknowledgement, for clients that ask for one. What we send may get more fields.";
const HANDSHAKE: &str = "Comes with the packet CONNECT (`auth` of the official client). Without a token the socket is a guest's, \
    who may watch but not speak.";
const REFUSED: &str = "The socket is refused; the message is a stable code.";

/// What refuses a socket: codes of the handshake, of the token's verification, and of the limits.
const REFUSALS: [&str; 6] = [
    "auth.token_in_url",
    "auth.token_invalid",
    "auth.token_expired",
    "service.unavailable",
    "socket.too_many_for_user",
    "socket.too_many_for_address",
];

/// The whole description.
pub(crate) fn document() -> Value {
    let mut parts = Parts::default();
    parts.schemas.insert("Refusal".to_owned(), refusal());
    parts.handshake();
    visit_all(&mut parts);
    for event in ClientEvent::ALL {
        parts.client(event);
    }
    json!({
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
    })
}

fn server() -> Value {
    json!({
        "host": "{host}",
        "pathname": "/socket.io/",
        "protocol": "socket.io",
        "protocolVersion": "5",
        "variables": { "host": { "default": "localhost:8080", "description": "Where the platform is." } },
    })
}

/// The packet of Socket.IO that a message travels in, as `x-packet` says it.
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

/// What the document is made of.
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

impl Parts {
    fn handshake(&mut self) {
        let auth =
            json!({ "type": ["object", "null"], "properties": { "token": { "type": ["string", "null"] } } });
        let message = json!({ "type": "string", "enum": REFUSALS });
        let error =
            json!({ "type": "object", "required": ["message"], "properties": { "message": message } });
        self.message(Packet::Connect, "connect", HANDSHAKE, &auth);
        self.message(Packet::ConnectError, "connect_error", REFUSED, &error);
        self.operations
            .insert("connect".to_owned(), receive("connect", "connect_error"));
    }

    fn client(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Authenticate => self.received::<Authenticate, Authenticated>(event),
            ClientEvent::JoinNotificationRoom => {
                self.received::<JoinNotificationRoom, NotificationRoomJoined>(event);
            }
            ClientEvent::JoinStreamRoom => self.received::<JoinStreamRoom, OfStream>(event),
            ClientEvent::LeaveStreamRoom => self.received::<LeaveStreamRoom, OfStream>(event),
            ClientEvent::ChatMessage => self.received::<Saying, Said>(event),
        }
        if let Some(name) = event.failure() {
            self.sent::<Failure<'_>>(name);
        }
    }

    /// An event that we send.
    fn sent<T: ToSchema>(&mut self, name: &str) {
        let (about, payload) = self.schema::<T>();
        self.message(Packet::Event, name, &about, &payload);
        let operation =
            json!({ "action": "send", "channel": channel_ref(), "messages": [message_ref(name)] });
        self.operations.insert(name.to_owned(), operation);
    }

    /// An event that we take, with what goes into its acknowledgement.
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

    /// What is said about a type, and a reference to its schema, which is noted with those that it is made
    /// of.
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

/// The operation of something that we take and reply to.
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

/// Done, with what there is to say of it, or refused.
fn acknowledgement<A: ToSchema>() -> Value {
    let done = with_ok(true, value(&A::schema()));
    json!({ "oneOf": [done, { "$ref": "#/components/schemas/Refusal" }] })
}

/// What every event may be answered with.
fn refusal() -> Value {
    let mut refusal = with_ok(false, value(&Failure::schema()));
    refusal["properties"]["retryAfterMs"] = json!({
        "type": "integer", "minimum": 0, "description": "Milliseconds after which a retry makes sense, where that is known."
    });
    refusal
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

    #[test]
    fn every_event_is_described_once() {
        let mut names = Names::default();
        visit_all(&mut names);
        names
            .0
            .extend(ClientEvent::ALL.into_iter().map(ClientEvent::name));
        names
            .0
            .extend(ClientEvent::ALL.into_iter().filter_map(ClientEvent::failure));
        let document = document();
        let messages = document["channels"]["sockets"]["messages"].as_object().unwrap();
        let described: Vec<&str> = messages
            .values()
            .filter_map(|message| message["name"].as_str())
            .collect();
        let expected: BTreeSet<&str> = names.0.iter().copied().collect();
        assert_eq!(expected.len(), names.0.len(), "a name for two events");
        assert_eq!(described.iter().copied().collect::<BTreeSet<_>>(), expected);
        for name in described {
            assert!(document["operations"][name].is_object(), "{name}");
            assert_ne!(messages[name]["summary"], "", "{name}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
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
