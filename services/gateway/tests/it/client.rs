//! Drives the official JavaScript Socket.IO client. Each socket is a process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout_at};

use crate::asyncapi::DESCRIPTION;
use crate::world::SOON;

/// How to connect; see `client.mjs`.
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

/// Returns the program that runs the scripts of [`folder`].
pub(crate) fn node() -> OsString {
    std::env::var_os("AIRWAVE_NODE").unwrap_or_else(|| "node".into())
}

/// Returns the folder with the scripts, after installing their packages.
pub(crate) fn folder() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    let install = || {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/js");
        let packages = ["socket.io-client", "@asyncapi/parser"];
        let is_installed = |package| folder.join("node_modules").join(package).exists();
        if !packages.into_iter().all(is_installed) {
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
    /// Starts a client, which connects by itself.
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

    /// Waits until the socket is connected or rejected; returns the code of a rejection.
    pub(crate) async fn admitted(&mut self) -> Result<(), String> {
        let is_answer = |line: &Value| line["event"] == "connect" || line["event"] == "connect_error";
        let answer = self.next_line("answer to the handshake", is_answer).await;
        match answer["data"]["message"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(()),
        }
    }

    /// Starts a client and waits until it is connected; without a token, as a guest.
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

    /// Emits an event without asking for an acknowledgement.
    pub(crate) async fn emit(&mut self, event: &str, data: Value) {
        self.send(&json!({ "emit": event, "data": data })).await;
    }

    /// Emits an event and returns its acknowledgement.
    pub(crate) async fn ask(&mut self, event: &str, data: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "emit": event, "data": data, "id": id })).await;
        let what = format!("acknowledgement of {event}");
        let answer = self.next_line(&what, |line| line["ack"] == id).await["data"].take();
        DESCRIPTION.check_ack(event, &data, &answer);
        answer
    }

    /// Emits events at once and returns their acknowledgements.
    pub(crate) async fn burst(&mut self, event: &str, data: Vec<Value>) -> Vec<Value> {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "burst": event, "data": data, "id": id }))
            .await;
        let mut answer = self.next_line("acknowledgements", |line| line["ack"] == id).await;
        let answers = answer["data"].as_array_mut().map(std::mem::take).unwrap();
        for (data, answer) in data.iter().zip(&answers) {
            DESCRIPTION.check_ack(event, data, answer);
        }
        answers
    }

    /// Returns the data of the next event with this name. Other events are kept for later calls.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        self.next_line(name, |line| line["event"] == name).await["data"].take()
    }

    /// Returns the data of the next event with this name that matches.
    pub(crate) async fn event_that(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.next_line(name, |line| line["event"] == name && fits(&line["data"]))
            .await["data"]
            .take()
    }

    async fn next_line(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
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

    /// Returns all events with this name that have arrived or arrive within a period.
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

    /// Joins a room and returns its history.
    pub(crate) async fn join(&mut self, stream: i64) -> Value {
        let answer = self.ask("join_stream_room", json!({ "streamId": stream })).await;
        assert_eq!(answer["ok"], true, "{answer}");
        let history = self.event("recent_chat_history").await;
        assert_eq!(self.event("room_joined_successfully").await["streamId"], stream);
        history
    }

    /// Kills the process, which closes no connection properly.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

/// Parses and validates a line of the client's output.
fn read(line: &str) -> Value {
    let line: Value = serde_json::from_str(line).unwrap();
    DESCRIPTION.check_event(&line);
    line
}
