//! The official JavaScript Socket.IO client, one process a socket.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout_at};

use crate::asyncapi::DESCRIBED;
use crate::world::SOON;

/// How to connect; the fields of `client.mjs`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) auth: Value,
    pub(crate) query: Value,
    pub(crate) headers: Value,
    pub(crate) eager: Value,
    pub(crate) transport: &'static str,
    pub(crate) path: &'static str,
}

pub(crate) struct Client {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
    asked: u64,
}

/// The program that runs what is in [`folder`].
pub(crate) fn node() -> OsString {
    std::env::var_os("AIRWAVE_NODE").unwrap_or_else(|| "node".into())
}

/// Our JavaScript, with its packages.
pub(crate) fn folder() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    let install = || {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/js");
        let packages = ["socket.io-client", "@asyncapi/parser"];
        let is_there = |package| folder.join("node_modules").join(package).exists();
        if !packages.into_iter().all(is_there) {
            let done = std::process::Command::new("npm")
                .args(["ci", "--silent"])
                .current_dir(&folder)
                .status()
                .unwrap();
            assert!(done.success(), "npm ci failed");
        }
        folder
    };
    READY.get_or_init(install).clone()
}

impl Client {
    /// Starts a client that tries to connect.
    pub(crate) fn start(origin: &str, options: &Options) -> Self {
        let text = |value: &Value| {
            if value.is_null() {
                String::new()
            } else {
                value.to_string()
            }
        };
        let folder = folder();
        let mut process = Command::new(node())
            .arg(folder.join("client.mjs"))
            .current_dir(folder)
            .env("ORIGIN", origin)
            .env("AUTH", text(&options.auth))
            .env("QUERY", text(&options.query))
            .env("HEADERS", text(&options.headers))
            .env("EAGER", text(&options.eager))
            .env(
                "TRANSPORT",
                if options.transport.is_empty() {
                    "websocket"
                } else {
                    options.transport
                },
            )
            .env("SOCKET_PATH", options.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            process,
            input,
            output,
            seen: Vec::new(),
            asked: 0,
        }
    }

    /// Whether it is let in, or the code with which it is refused.
    pub(crate) async fn admitted(&mut self) -> Result<(), String> {
        let is_answer = |line: &Value| line["event"] == "connect" || line["event"] == "connect_error";
        let answer = self.that("answer to the handshake", is_answer).await;
        match answer["data"]["message"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(()),
        }
    }

    /// A client that is connected, as a guest when there is no token.
    pub(crate) async fn connected(origin: &str, token: Option<&str>) -> Self {
        let auth = token.map_or(Value::Null, |token| json!({ "token": token }));
        let mut client = Self::start(
            origin,
            &Options {
                auth,
                ..Options::default()
            },
        );
        client.event("connect").await;
        client
    }

    async fn send(&mut self, line: &Value) {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }

    /// Emits and forgets.
    pub(crate) async fn say(&mut self, event: &str, data: Value) {
        self.send(&json!({ "emit": event, "data": data })).await;
    }

    /// Emits and waits for the acknowledgement.
    pub(crate) async fn ask(&mut self, event: &str, data: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "emit": event, "data": data, "id": id })).await;
        let what = format!("acknowledgement of {event}");
        let answer = self.that(&what, |line| line["ack"] == id).await["data"].take();
        DESCRIBED.answered(event, &data, &answer);
        answer
    }

    /// Emits all at once, and waits for all acknowledgements.
    pub(crate) async fn burst(&mut self, event: &str, data: Vec<Value>) -> Vec<Value> {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "burst": event, "data": data, "id": id }))
            .await;
        let mut answer = self.that("acknowledgements", |line| line["ack"] == id).await;
        let answers = answer["data"].as_array_mut().map(std::mem::take).unwrap();
        for (data, answer) in data.iter().zip(&answers) {
            DESCRIBED.answered(event, data, answer);
        }
        answers
    }

    /// The data of the next event of this name; others stay until they are asked for.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        self.that(name, |line| line["event"] == name).await["data"].take()
    }

    /// The next event of this name that fits.
    pub(crate) async fn event_that(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.that(name, |line| line["event"] == name && fits(&line["data"]))
            .await["data"]
            .take()
    }

    async fn that(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&fits) {
            return self.seen.remove(at);
        }
        let until = Instant::now() + SOON;
        loop {
            let line = match timeout_at(until, self.output.next_line()).await {
                Ok(line) => line
                    .unwrap()
                    .unwrap_or_else(|| panic!("the client ended before {what}")),
                Err(_) => panic!("no {what}; seen: {:?}", self.seen),
            };
            let line = read(&line);
            if fits(&line) {
                return line;
            }
            self.seen.push(line);
        }
    }

    /// Whatever comes of this name within a time, with what has come already.
    pub(crate) async fn all(&mut self, name: &str, within: Duration) -> Vec<Value> {
        let until = Instant::now() + within;
        while let Ok(Ok(Some(line))) = timeout_at(until, self.output.next_line()).await {
            self.seen.push(read(&line));
        }
        let (matching, rest) = std::mem::take(&mut self.seen)
            .into_iter()
            .partition(|line| line["event"] == name);
        self.seen = rest;
        let matching: Vec<Value> = matching;
        matching.into_iter().map(|mut line| line["data"].take()).collect()
    }

    /// Joins a room and takes its history.
    pub(crate) async fn join(&mut self, stream: i64) -> Value {
        let answer = self.ask("join_stream_room", json!({ "streamId": stream })).await;
        assert_eq!(answer["ok"], true, "{answer}");
        let history = self.event("recent_chat_history").await;
        assert_eq!(self.event("room_joined_successfully").await["streamId"], stream);
        history
    }

    /// Dies without a goodbye.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

/// A line of a client, which is as it is described.
fn read(line: &str) -> Value {
    let line: Value = serde_json::from_str(line).unwrap();
    DESCRIBED.hear(&line);
    line
}
