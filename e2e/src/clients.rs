//! Official clients that stay: people in a stream's room who connect again by themselves, come back to where
//! they were, and say a thing until it is heard. One program holds several; `js/chat.mjs` says what it does.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::program::Program;

/// How long a program may take to answer a question about its clients.
const ANSWER: Duration = Duration::from_secs(10);

/// A program with clients in it, each by its name; it ends with this.
#[derive(Debug)]
pub struct Clients(Program);

/// Somebody who comes into a room.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Visitor<'a> {
    /// The name, by which this client is told what to do.
    pub name: &'a str,
    /// Where the gateway takes sockets.
    pub origin: &'a str,
    /// The access token; a guest has none.
    pub token: Option<&'a str>,
    /// The transports that the client may use; when none are named, it decides.
    pub transports: Option<&'a [&'a str]>,
    /// The room.
    pub stream_id: i64,
}

/// How a client is now.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// Whether its socket is connected.
    pub connected: bool,
    /// The number of the last message that it showed; none until it is in the room.
    pub last: Option<i64>,
    /// What it said and has no acknowledgement of.
    pub waiting: usize,
    /// How many watch, as it was last told.
    pub viewers: Option<i64>,
    /// Why it was refused something the last time, to explain what does not come.
    pub refused: Option<String>,
}

/// All that a client has seen and heard.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// Number and id of every message, in the order in which they were shown.
    pub shown: Vec<(i64, String)>,
    /// The id of each acknowledged message, by the client's own.
    pub acknowledged: BTreeMap<String, String>,
}

impl Clients {
    /// Starts a program for clients of `socket.io-client`.
    ///
    /// # Errors
    /// When there is no Node.js.
    pub fn javascript() -> Result<Self> {
        Program::start(crate::node("chat.mjs")).map(Self)
    }

    /// Starts a program for clients of python-socketio.
    ///
    /// # Errors
    /// When its packages are not installed.
    pub fn python() -> Result<Self> {
        let mut program = crate::python("python", "python");
        program.arg("chat.py");
        Program::start(program).map(Self)
    }

    /// Somebody comes, and is in the room from then on, however often the connection ends.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn come(&mut self, visitor: &Visitor<'_>) -> Result<()> {
        self.0.tell(&json!({ "open": visitor })).await
    }

    /// A client says an id, under which it also repeats it until it is acknowledged.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn say(&mut self, name: &str, id: &str) -> Result<()> {
        self.0.tell(&json!({ "send": { "name": name, "id": id } })).await
    }

    /// A client's connection ends.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn cut(&mut self, name: &str) -> Result<()> {
        self.0.tell(&json!({ "cut": { "name": name } })).await
    }

    /// How each client is now.
    ///
    /// # Errors
    /// When the program does not answer.
    pub async fn status(&mut self) -> Result<BTreeMap<String, Status>> {
        self.ask("status").await
    }

    /// What each client has seen and heard.
    ///
    /// # Errors
    /// When the program does not answer.
    pub async fn report(&mut self) -> Result<BTreeMap<String, Report>> {
        self.ask("report").await
    }

    async fn ask<T: DeserializeOwned>(&mut self, what: &str) -> Result<T> {
        self.0.tell(&json!({ "ask": what })).await?;
        let answer = self.0.next(Instant::now() + ANSWER).await?;
        Ok(serde_json::from_value(answer)?)
    }
}
