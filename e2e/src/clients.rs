//! Chat clients that survive disconnects: official clients that reconnect by themselves, load missing
//! messages, and repeat a message until it is acknowledged. One program runs several; `js/chat.mjs` describes
//! its protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::program::Program;

/// How long a program may take to report on its clients.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// A program that runs named clients; dropping this ends it.
#[derive(Debug)]
pub struct Clients(Program);

/// A client to open.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Visitor<'a> {
    /// The client's name in commands and reports.
    pub name: &'a str,
    /// The origin of the gateway's sockets.
    pub origin: &'a str,
    /// The access token; guests have none.
    pub token: Option<&'a str>,
    /// The transports that the client may use; by default, its own choice.
    pub transports: Option<&'a [&'a str]>,
    /// The room.
    pub stream_id: i64,
}

/// The state of a client.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// Whether its socket is connected.
    pub connected: bool,
    /// The sequence number of the last message shown; none before it has joined the room.
    pub last: Option<i64>,
    /// The number of messages without an acknowledgement.
    pub waiting: usize,
    /// The last viewer count received.
    pub viewers: Option<i64>,
    /// The last error code received.
    pub refused: Option<String>,
}

/// Everything that a client has received.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// Sequence number and id of every message, in the order shown.
    pub shown: Vec<(i64, String)>,
    /// Message ids by client message id, of acknowledged messages.
    pub acknowledged: BTreeMap<String, String>,
}

impl Clients {
    /// Starts a program with clients of `socket.io-client`.
    pub fn javascript() -> Result<Self> {
        Program::start(crate::node("chat.mjs")).map(Self)
    }

    /// Starts a program with clients of python-socketio.
    pub fn python() -> Result<Self> {
        let mut program = crate::python("python", "python");
        program.arg("chat.py");
        Program::start(program).map(Self)
    }

    /// Opens a client, which joins the room and rejoins it after every disconnect.
    pub async fn open(&mut self, visitor: &Visitor<'_>) -> Result<()> {
        self.0.send(&json!({ "open": visitor })).await
    }

    /// Has a client send a message whose text and client message id are `id`, until it is acknowledged.
    pub async fn send(&mut self, name: &str, id: &str) -> Result<()> {
        self.0.send(&json!({ "send": { "name": name, "id": id } })).await
    }

    /// Closes a client's connection.
    pub async fn disconnect(&mut self, name: &str) -> Result<()> {
        self.0.send(&json!({ "cut": { "name": name } })).await
    }

    /// Returns the state of each client.
    pub async fn status(&mut self) -> Result<BTreeMap<String, Status>> {
        self.ask("status").await
    }

    /// Returns what each client has received.
    pub async fn report(&mut self) -> Result<BTreeMap<String, Report>> {
        self.ask("report").await
    }

    async fn ask<T: DeserializeOwned>(&mut self, what: &str) -> Result<T> {
        self.0.send(&json!({ "ask": what })).await?;
        let answer = self.0.next(Instant::now() + REPORT_TIMEOUT).await?;
        Ok(serde_json::from_value(answer)?)
    }
}
