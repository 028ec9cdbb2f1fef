//! The official JavaScript Socket.IO client, one process a socket.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::program::Program;

/// Longest wait for what comes with an acknowledgement.
const SOON: Duration = Duration::from_secs(15);

/// A socket and all that it was sent so far. Events that a test did not wait for stay in order until it does.
#[derive(Debug)]
pub struct Socket {
    program: Program,
    seen: Vec<Value>,
    acknowledgements: u64,
}

impl Socket {
    /// Connects, as a guest when there is no token.
    ///
    /// # Errors
    /// When the server refuses; the text holds its code.
    pub async fn connect(origin: &str, token: Option<&str>) -> Result<Self> {
        let mut client = crate::node("socket.mjs");
        client
            .env("ORIGIN", origin)
            .env("TOKEN", token.unwrap_or_default());
        let mut socket = Self {
            program: Program::start(client)?,
            seen: Vec::new(),
            acknowledgements: 0,
        };
        let first = socket
            .program
            .next(Instant::now() + Duration::from_secs(10))
            .await?;
        if event_name(&first) != Some("connect") {
            bail!("refused: {first}");
        }
        Ok(socket)
    }

    /// Emits an event and waits for its acknowledgement.
    ///
    /// # Errors
    /// When none comes in 5 s.
    pub async fn emit(&mut self, event: &str, data: Value) -> Result<Value> {
        self.acknowledgements += 1;
        let id = self.acknowledgements;
        let line = json!({"emit": event, "data": data, "id": id});
        self.program.tell(&line).await?;
        let found = self
            .wait(Duration::from_secs(5), |line| line.get("ack") == Some(&id.into()))
            .await;
        Ok(taken(
            found.with_context(|| format!("no acknowledgement of {event}"))?,
        ))
    }

    /// Comes into a stream's room; the history and the welcome are taken.
    ///
    /// # Errors
    /// When the server refuses, or the history does not come.
    pub async fn join(&mut self, stream: i64) -> Result<()> {
        let joined = self
            .emit("join_stream_room", json!({ "streamId": stream }))
            .await?;
        if joined.get("ok") != Some(&Value::Bool(true)) {
            bail!("not let in: {joined}");
        }
        self.event("recent_chat_history", SOON).await?;
        self.event("room_joined_successfully", SOON).await?;
        Ok(())
    }

    /// The data of the next event of this name.
    ///
    /// # Errors
    /// When it does not come within the time; the text holds what came instead.
    pub async fn event(&mut self, name: &str, within: Duration) -> Result<Value> {
        self.event_that(name, within, |_| true).await
    }

    /// The data of the next event of this name that also fits a condition.
    ///
    /// # Errors
    /// When it does not come within the time; the text holds what came instead.
    pub async fn event_that(
        &mut self,
        name: &str,
        within: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let found = self
            .wait(within, |line| {
                event_name(line) == Some(name) && fits(line.get("data").unwrap_or(&Value::Null))
            })
            .await;
        Ok(taken(found.with_context(|| format!("no {name}"))?))
    }

    /// How many events of this name have come and were not taken, after waiting for a time in which more may
    /// come.
    ///
    /// # Errors
    /// When the client died.
    pub async fn count_for(&mut self, name: &str, time: Duration) -> Result<usize> {
        let until = Instant::now() + time;
        loop {
            match self.program.next(until).await {
                Ok(line) => self.seen.push(line),
                Err(_) if Instant::now() >= until => break,
                Err(died) => return Err(died),
            }
        }
        Ok(self
            .seen
            .iter()
            .filter(|line| event_name(line) == Some(name))
            .count())
    }

    async fn wait(&mut self, within: Duration, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let until = Instant::now() + within;
        if let Some(at) = self.seen.iter().position(&fits) {
            return Ok(self.seen.remove(at));
        }
        loop {
            let line = self.program.next(until).await;
            let line = line.with_context(|| format!("seen so far: {}", Value::from(self.seen.clone())))?;
            if fits(&line) {
                return Ok(line);
            }
            self.seen.push(line);
        }
    }
}

fn event_name(line: &Value) -> Option<&str> {
    line.get("event")?.as_str()
}

fn taken(mut line: Value) -> Value {
    line.get_mut("data").map(Value::take).unwrap_or_default()
}
