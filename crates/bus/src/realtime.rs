//! Publishing realtime messages: no confirms, no disk, and never a caller that waits.

use lapin::options::BasicPublishOptions;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};
use metrics::counter;
use prost::Message;
use proto::events::v1::Realtime as Envelope;
use proto::events::v1::realtime::Message as Payload;
use tokio::sync::mpsc;

use crate::connection::within;
use crate::headers::table;
use crate::{Bus, Error, topology};

/// Messages that wait for the connection at most: a few megabytes, since most have hundreds of bytes and a
/// busy room's some kilobytes.
const WAITING: usize = 4096;

/// Publishes realtime messages. Cheap to clone. What cannot be sent soon is dropped and counted: a later
/// message or a read repairs it.
#[derive(Clone, Debug)]
pub struct Realtime {
    queue: mpsc::Sender<Outgoing>,
}

#[derive(Debug)]
struct Outgoing {
    key: String,
    headers: FieldTable,
    body: Vec<u8>,
}

impl Realtime {
    /// The key of notifications, which every gateway binds.
    pub const USERS: &'static str = "users";

    /// Starts the task that publishes. It ends with the last clone.
    pub fn start(bus: &Bus) -> Self {
        let (queue, messages) = mpsc::channel(WAITING);
        tokio::spawn(publish(bus.clone(), messages));
        Self { queue }
    }

    /// The key of one stream's room: `stream.12`.
    pub fn stream_key(stream_id: i64) -> String {
        format!("stream.{stream_id}")
    }

    /// Hands a message over, with the current trace context, and returns at once.
    pub fn publish(&self, key: impl Into<String>, message: Payload) {
        let body = Envelope {
            message: Some(message),
        }
        .encode_to_vec();
        let headers = table(proto::trace::current_context());
        if self
            .queue
            .try_send(Outgoing {
                key: key.into(),
                headers,
                body,
            })
            .is_err()
        {
            dropped("full");
        }
    }
}

fn dropped(reason: &'static str) {
    counter!("bus_realtime_dropped_total", "reason" => reason).increment(1);
}

async fn publish(bus: Bus, mut messages: mpsc::Receiver<Outgoing>) {
    let mut open: Option<Channel> = None;
    while let Some(message) = messages.recv().await {
        if bus.publishing().is_blocked() {
            dropped("blocked");
            continue;
        }
        let channel = match open.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => match self::open(&bus).await {
                Ok(channel) => channel,
                Err(_) => {
                    dropped("disconnected");
                    continue;
                }
            },
        };
        match send(&channel, message).await {
            Ok(()) => {
                counter!("bus_realtime_published_total").increment(1);
                open = Some(channel);
            }
            Err(_) => dropped("failed"),
        }
    }
}

async fn open(bus: &Bus) -> Result<Channel, Error> {
    let channel = bus.publishing().channel().await?;
    topology::realtime_exchange(&channel).await?;
    Ok(channel)
}

async fn send(channel: &Channel, message: Outgoing) -> Result<(), Error> {
    let properties = BasicProperties::default()
        .with_delivery_mode(1)
        .with_content_type("application/x-protobuf".into())
        .with_headers(message.headers);
    let options = BasicPublishOptions::default();
    let (exchange, key) = (topology::REALTIME.into(), message.key.into());
    within(channel.basic_publish(exchange, key, options, &message.body, properties)).await?;
    Ok(())
}
