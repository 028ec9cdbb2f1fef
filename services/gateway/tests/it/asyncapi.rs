//! What travels over sockets is what `/asyncapi.json` says. Every client of these tests (`client`) checks
//! what it hears, what it is answered, and what it said when that was accepted.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::client::{folder, node};
use crate::world::World;

/// What official clients of Socket.IO say by themselves.
const OF_THE_CLIENT: [&str; 2] = ["connect", "disconnect"];

/// The description, ready to be held against traffic.
pub(crate) static DESCRIBED: LazyLock<Described> = LazyLock::new(|| Described::new(&document()));

pub(crate) struct Described {
    heard: BTreeMap<String, Validator>,
    asked: BTreeMap<String, Exchange>,
}

/// An event of a client.
struct Exchange {
    data: Validator,
    answer: Validator,
}

fn document() -> Value {
    serde_json::from_str(&gateway::asyncapi().unwrap()).unwrap()
}

impl Described {
    fn new(document: &Value) -> Self {
        let mut document = document.clone();
        close(&mut document);
        let messages = &document["channels"]["sockets"]["messages"];
        let of = |key: &str| validator(&messages[key]["payload"], &document["components"]);
        let (mut heard, mut asked) = (BTreeMap::new(), BTreeMap::new());
        for (name, operation) in document["operations"].as_object().unwrap() {
            let answer = format!("{name}.ack");
            if operation["action"] == "send" {
                heard.insert(name.clone(), of(name));
            } else if messages[&answer].is_object() {
                let (data, answer) = (of(name), of(&answer));
                asked.insert(name.clone(), Exchange { data, answer });
            }
        }
        heard.insert("connect_error".to_owned(), of("connect_error"));
        Self { heard, asked }
    }

    /// A line of a client: an event of the server is one that is described, and looks like it.
    pub(crate) fn hear(&self, line: &Value) {
        let Some(name) = line["event"]
            .as_str()
            .filter(|name| !OF_THE_CLIENT.contains(name))
        else {
            return;
        };
        // Why a transport failed is said by the client, too.
        if line["transport"] != true {
            let event = self
                .heard
                .get(name)
                .unwrap_or_else(|| panic!("{name} is not described"));
            fits(event, name, &line["data"]);
        }
    }

    /// The acknowledgement of an event; one that says yes shows that the data was right.
    pub(crate) fn answered(&self, name: &str, data: &Value, answer: &Value) {
        let known = self.asked.get(name);
        assert!(
            known.is_some() || answer["ok"] == false,
            "{name} is not described"
        );
        // A refusal looks the same whatever was asked.
        let Some(exchange) = known.or_else(|| self.asked.values().next()) else {
            return;
        };
        fits(&exchange.answer, name, answer);
        if answer["ok"] == true {
            fits(&exchange.data, name, data);
        }
    }
}

/// The description lets objects have more fields, for the future. Today they have none.
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

/// AsyncAPI's schemas are of draft 7.
fn validator(payload: &Value, components: &Value) -> Validator {
    let schema = json!({ "allOf": [payload], "components": components });
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn fits(validator: &Validator, name: &str, data: &Value) {
    let wrong: Vec<String> = validator
        .iter_errors(data)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{name} {data}: {wrong:?}");
}

#[tokio::test]
async fn it_is_served() {
    let world = World::new().await;
    let served = world.get("/asyncapi.json").await;
    assert_eq!(served.headers["content-type"], "application/json");
    assert_eq!(served.body, document());
}

/// The parser of those who define AsyncAPI.
#[test]
fn it_is_valid() {
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
async fn every_event_that_it_names_is_known() {
    let world = World::new().await;
    let mut guest = world.guest().await;
    for name in DESCRIBED.asked.keys() {
        let answer = guest.ask(name, Value::Null).await;
        assert_ne!(answer["code"], "event.unknown", "{name}");
    }
    let unknown = guest.ask("drop_tables", Value::Null).await;
    assert_eq!(unknown["code"], "event.unknown");
}

/// A check that cannot fail checks nothing.
#[test]
fn what_is_not_described_is_found() {
    let line = json!({"id": "m-1", "seq": 1, "streamId": 1, "userId": 5, "username": "ann", "message": "hi",
        "timestamp": "2027-01-15T08:00:00Z"});
    let with = |name: &str, value: Value| {
        let mut line = line.clone();
        line[name] = value;
        DESCRIBED.heard["new_message"].is_valid(&line)
    };
    assert!(with("seq", json!(2)));
    for (name, wrong) in [
        ("seq", json!("2")),
        ("timestamp", json!("yesterday")),
        ("secret", json!(1)),
    ] {
        assert!(!with(name, wrong), "{name}");
    }
    let said = &DESCRIBED.asked["chat_message"].data;
    for (message, right) in [
        ("x".repeat(500), true),
        ("x".repeat(501), false),
        (String::new(), false),
    ] {
        let length = message.len();
        assert_eq!(
            said.is_valid(&json!({"streamId": 1, "message": message})),
            right,
            "{length}"
        );
    }
}
