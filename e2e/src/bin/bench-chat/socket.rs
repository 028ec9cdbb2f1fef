//! A minimal Socket.IO 5 client over WebSocket. There are too many sockets for Node.js clients.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Timeout of each step of a connection.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Enough for one message; the library's defaults are meant for few connections.
const BUFFER_SIZE: usize = 4096;

type Stream = WebSocketStream<TcpStream>;

/// The sending half.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Mutex<SplitSink<Stream, Message>>>);

/// A connected socket.
pub(crate) struct Socket {
    pub(crate) sender: Sender,
    receiver: SplitStream<Stream>,
}

impl Sender {
    pub(crate) async fn send(&self, packet: String) -> Result<()> {
        Ok(self.0.lock().await.send(Message::text(packet)).await?)
    }

    /// Sends a message to a room. Both the acknowledgement id and the message contain the time.
    pub(crate) async fn chat(&self, room: i64) -> Result<()> {
        let (micros, message) = (now() / 1000, message());
        let event = json!(["chat_message", { "streamId": room, "message": message }]);
        self.send(format!("42{micros}{event}")).await
    }
}

impl Socket {
    /// Connects, without a token as a guest.
    pub(crate) async fn connect(address: &str, token: Option<&str>) -> Result<Self> {
        let stream = timeout(TIMEOUT, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_SIZE)
            .write_buffer_size(BUFFER_SIZE);
        let opening = client_async_with_config(url, stream, Some(config));
        let (sender, receiver) = timeout(TIMEOUT, opening).await??.0.split();
        let mut socket = Self {
            sender: Sender(Arc::new(Mutex::new(sender))),
            receiver,
        };
        socket.packet("0").await?;
        let auth = token.map(|token| json!({ "token": token }).to_string());
        socket
            .sender
            .send(format!("40{}", auth.unwrap_or_default()))
            .await?;
        socket.packet("40").await?;
        Ok(socket)
    }

    /// Joins a room after a message; returns the sequence number of the last message in the history.
    pub(crate) async fn join(&mut self, room: i64, after: Option<i64>) -> Result<Option<i64>> {
        let event = json!(["join_stream_room", { "streamId": room, "afterSeq": after }]);
        self.sender.send(format!("420{event}")).await?;
        let mut last = None;
        loop {
            let packet = timeout(TIMEOUT, self.next()).await??;
            if let Some(history) = packet.strip_prefix("42[\"recent_chat_history\",") {
                let history: Value = serde_json::from_str(history.strip_suffix(']').unwrap_or(history))?;
                let messages = history.get("messages").and_then(Value::as_array);
                last = messages.and_then(|all| all.last()?.get("seq")?.as_i64());
            }
            if let Some(answer) = packet.strip_prefix("430") {
                ensure!(answer.contains("\"ok\":true"), "{answer}");
                return Ok(last);
            }
        }
    }

    /// Returns the next packet, and answers pings.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.receiver.next().await.context("the connection ended")?? {
                Message::Text(text) if text.as_str() == "2" => self.sender.send("3".to_owned()).await?,
                Message::Text(text) => return Ok(text),
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    async fn packet(&mut self, kind: &str) -> Result<()> {
        let packet = timeout(TIMEOUT, self.next()).await??;
        ensure!(packet.starts_with(kind), "{packet}");
        Ok(())
    }
}

fn now() -> u128 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_nanos()
}

/// Returns a message of 50 characters that contains the time.
pub(crate) fn message() -> String {
    format!("{:020} and thirty characters more", now())
}

/// Returns how long ago the message in this packet was sent.
pub(crate) fn age(packet: &str) -> Option<Duration> {
    let (_, message) = packet.split_once("\"message\":\"")?;
    since(message.get(..20)?.parse().ok()?)
}

/// Returns how long ago the acknowledged message was sent.
pub(crate) fn ack_age(packet: &str) -> Option<Duration> {
    let (micros, _) = packet.strip_prefix("43")?.split_once('[')?;
    since(micros.parse::<u128>().ok()? * 1000)
}

fn since(nanos: u128) -> Option<Duration> {
    Some(Duration::from_nanos(
        u64::try_from(now().saturating_sub(nanos)).ok()?,
    ))
}
