//! The official JavaScript Socket.IO client, one process per socket.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::program::Program;

/// Timeout of events that accompany an acknowledgement.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A socket and the events it has received. Events are kept in order until a test takes them.
#[derive(Debug)]
pub struct Socket {
    program: Program,
    seen: Vec<Value>,
    acknowledgements: u64,
}

impl Socket {
    /// Connects, without a token as a guest. If the server refuses, the error contains its code.
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

    /// Emits an event and waits up to 5 s for its acknowledgement.
    pub async fn emit(&mut self, event: &str, data: Value) -> Result<Value> {
        self.acknowledgements += 1;
        let id = self.acknowledgements;
        let line = json!({"emit": event, "data": data, "id": id});
        self.program.send(&line).await?;
        let found = self
            .wait(Duration::from_secs(5), |line| line.get("ack") == Some(&id.into()))
            .await;
        Ok(data_of(
            found.with_context(|| format!("no acknowledgement of {event}"))?,
        ))
    }

    /// Joins a stream's room and takes the events of the join.
    pub async fn join(&mut self, stream: i64) -> Result<()> {
        let joined = self
            .emit("join_stream_room", json!({ "streamId": stream }))
            .await?;
        if joined.get("ok") != Some(&Value::Bool(true)) {
            bail!("cannot join: {joined}");
        }
        self.event("recent_chat_history", TIMEOUT).await?;
        self.event("room_joined_successfully", TIMEOUT).await?;
        Ok(())
    }

    /// Returns the data of the next event of this name. On a timeout, the error contains the other events.
    pub async fn event(&mut self, name: &str, within: Duration) -> Result<Value> {
        self.event_where(name, within, |_| true).await
    }

    /// Returns the data of the next event of this name that satisfies a condition, as [`event`](Self::event)
    /// does.
    pub async fn event_where(
        &mut self,
        name: &str,
        within: Duration,
        matches: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let found = self
            .wait(within, |line| {
                event_name(line) == Some(name) && matches(line.get("data").unwrap_or(&Value::Null))
            })
            .await;
        Ok(data_of(found.with_context(|| format!("no {name}"))?))
    }

    /// Waits for some time, then returns how many events of this name have not been taken.
    pub async fn count_for(&mut self, name: &str, time: Duration) -> Result<usize> {
        let until = Instant::now() + time;
        loop {
            match self.program.next(until).await {
                Ok(line) => self.seen.push(line),
                Err(_) if Instant::now() >= until => break,
                Err(ended) => return Err(ended),
            }
        }
        Ok(self
            .seen
            .iter()
            .filter(|line| event_name(line) == Some(name))
            .count())
    }

    async fn wait(&mut self, within: Duration, matches: impl Fn(&Value) -> bool) -> Result<Value> {
        let until = Instant::now() + within;
        if let Some(at) = self.seen.iter().position(&matches) {
            return Ok(self.seen.remove(at));
        }
        loop {
            let line = self.program.next(until).await;
            let line = line.with_context(|| format!("seen so far: {}", Value::from(self.seen.clone())))?;
            if matches(&line) {
                return Ok(line);
            }
            self.seen.push(line);
        }
    }
}

fn event_name(line: &Value) -> Option<&str> {
    line.get("event")?.as_str()
}

fn data_of(mut line: Value) -> Value {
    line.get_mut("data").map(Value::take).unwrap_or_default()
}
