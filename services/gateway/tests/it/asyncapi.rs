//! Traffic matches `/asyncapi.json`: every [`crate::client::Client`] of these tests validates the events and
//! acknowledgements that it receives, and the data that it sent if that was accepted.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::client::{folder, node};
use crate::world::World;

/// Events that the Socket.IO client emits itself.
const CLIENT_EVENTS: [&str; 2] = ["connect", "disconnect"];

pub(crate) static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| Description::new(&document()));

/// Validators of the events of the server, by name, and of the events of clients.
pub(crate) struct Description {
    server: BTreeMap<String, Validator>,
    client: BTreeMap<String, Exchange>,
}

/// An event of a client, and its acknowledgement.
struct Exchange {
    data: Validator,
    ack: Validator,
}

fn document() -> Value {
    serde_json::from_str(&gateway::asyncapi().unwrap()).unwrap()
}

impl Description {
    fn new(document: &Value) -> Self {
        let mut document = document.clone();
        close(&mut document);
        let messages = &document["channels"]["sockets"]["messages"];
        let of = |key: &str| validator(&messages[key]["payload"], &document["components"]);
        let (mut server, mut client) = (BTreeMap::new(), BTreeMap::new());
        for (name, operation) in document["operations"].as_object().unwrap() {
            let ack = format!("{name}.ack");
            if operation["action"] == "send" {
                server.insert(name.clone(), of(name));
            } else if messages[&ack].is_object() {
                let (data, ack) = (of(name), of(&ack));
                client.insert(name.clone(), Exchange { data, ack });
            }
        }
        server.insert("connect_error".to_owned(), of("connect_error"));
        Self { server, client }
    }

    /// Validates a line of a client's output: an event of the server matches its description.
    pub(crate) fn check_event(&self, line: &Value) {
        let Some(name) = line["event"]
            .as_str()
            .filter(|name| !CLIENT_EVENTS.contains(name))
        else {
            return;
        };
        // The client itself reports why a transport failed.
        if line["transport"] != true {
            let event = self
                .server
                .get(name)
                .unwrap_or_else(|| panic!("{name} is not described"));
            assert_valid(event, name, &line["data"]);
        }
    }

    /// Validates the acknowledgement of an event and, if it was accepted, the data that was sent.
    pub(crate) fn check_ack(&self, name: &str, data: &Value, ack: &Value) {
        let known = self.client.get(name);
        assert!(known.is_some() || ack["ok"] == false, "{name} is not described");
        // All rejections have the same shape, also those of unknown events.
        let Some(exchange) = known.or_else(|| self.client.values().next()) else {
            return;
        };
        assert_valid(&exchange.ack, name, ack);
        if ack["ok"] == true {
            assert_valid(&exchange.data, name, data);
        }
    }
}

/// Forbids fields that are not described. The description itself allows them, for future extensions.
fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("type").is_some_and(|kind| kind == "object") {
                fields.insert("additionalProperties".to_owned(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Schemas of AsyncAPI are of draft 7.
fn validator(payload: &Value, components: &Value) -> Validator {
    let schema = json!({ "allOf": [payload], "components": components });
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn assert_valid(validator: &Validator, name: &str, data: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(data)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{name} {data}: {errors:?}");
}

#[tokio::test]
async fn description_is_served() {
    let world = World::new().await;
    let served = world.get("/asyncapi.json").await;
    assert_eq!(served.headers["content-type"], "application/json");
    assert_eq!(served.body, document());
}

/// Uses the official parser.
#[test]
fn description_is_valid() {
    let mut parser = Command::new(node())
        .arg("asyncapi.mjs")
        .current_dir(folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = gateway::asyncapi().unwrap();
    parser.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = parser.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[tokio::test]
async fn every_described_event_is_handled() {
    let world = World::new().await;
    let mut guest = world.guest().await;
    for name in DESCRIPTION.client.keys() {
        let answer = guest.ask(name, Value::Null).await;
        assert_ne!(answer["code"], "event.unknown", "{name}");
    }
    let unknown = guest.ask("drop_tables", Value::Null).await;
    assert_eq!(unknown["code"], "event.unknown");
}

/// Shows that the validators can fail.
#[test]
fn undescribed_data_is_rejected() {
    let message = json!({"id": "m-1", "seq": 1, "streamId": 1, "userId": 5, "username": "ann", "message": "hi",
        "timestamp": "2027-01-15T08:00:00Z"});
    let with = |name: &str, value: Value| {
        let mut message = message.clone();
        message[name] = value;
        DESCRIPTION.server["new_message"].is_valid(&message)
    };
    assert!(with("seq", json!(2)));
    for (name, invalid) in [
        ("seq", json!("2")),
        ("timestamp", json!("yesterday")),
        ("secret", json!(1)),
    ] {
        assert!(!with(name, invalid), "{name}");
    }
    let data = &DESCRIPTION.client["chat_message"].data;
    for (message, valid) in [
        ("x".repeat(500), true),
        ("x".repeat(501), false),
        (String::new(), false),
    ] {
        let length = message.len();
        assert_eq!(
            data.is_valid(&json!({"streamId": 1, "message": message})),
            valid,
            "{length}"
        );
    }
}
