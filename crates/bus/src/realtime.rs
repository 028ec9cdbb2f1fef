//! Publishes realtime messages without confirms or persistence, and without blocking the caller.

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

/// Bounds the queue to a few megabytes: most messages have hundreds of bytes, those of busy rooms some
/// kilobytes.
const MAX_QUEUED_MESSAGES: usize = 4096;

/// Publishes realtime messages. Cheap to clone. Messages that cannot be sent at once are dropped and counted;
/// a later message or a read makes up for them.
#[derive(Clone, Debug)]
pub struct Realtime {
    queue: mpsc::Sender<QueuedMessage>,
}

#[derive(Debug)]
struct QueuedMessage {
    key: String,
    headers: FieldTable,
    body: Vec<u8>,
}

impl Realtime {
    /// The key of notifications, which every gateway binds.
    pub const USERS: &'static str = "users";

    /// Starts the publishing task, which ends when the last clone is dropped.
    pub fn start(bus: &Bus) -> Self {
        let (queue, messages) = mpsc::channel(MAX_QUEUED_MESSAGES);
        tokio::spawn(publish(bus.clone(), messages));
        Self { queue }
    }

    /// Returns the key of a stream's chat room, such as `stream.12`.
    pub fn stream_key(stream_id: i64) -> String {
        format!("stream.{stream_id}")
    }

    /// Queues a message with the current trace context and returns at once.
    pub fn publish(&self, key: impl Into<String>, message: Payload) {
        let body = Envelope {
            message: Some(message),
        }
        .encode_to_vec();
        let headers = table(proto::trace::current_context());
        if self
            .queue
            .try_send(QueuedMessage {
                key: key.into(),
                headers,
                body,
            })
            .is_err()
        {
            count_dropped("full");
        }
    }
}

fn count_dropped(reason: &'static str) {
    counter!("bus_realtime_dropped_total", "reason" => reason).increment(1);
}

async fn publish(bus: Bus, mut messages: mpsc::Receiver<QueuedMessage>) {
    let mut open: Option<Channel> = None;
    while let Some(message) = messages.recv().await {
        if bus.publishing().is_blocked() {
            count_dropped("blocked");
            continue;
        }
        let channel = match open.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => match self::open(&bus).await {
                Ok(channel) => channel,
                Err(_) => {
                    count_dropped("disconnected");
                    continue;
                }
            },
        };
        match send(&channel, message).await {
            Ok(()) => {
                counter!("bus_realtime_published_total").increment(1);
                open = Some(channel);
            }
            Err(_) => count_dropped("failed"),
        }
    }
}

async fn open(bus: &Bus) -> Result<Channel, Error> {
    let channel = bus.publishing().channel().await?;
    topology::realtime_exchange(&channel).await?;
    Ok(channel)
}

async fn send(channel: &Channel, message: QueuedMessage) -> Result<(), Error> {
    let properties = BasicProperties::default()
        .with_delivery_mode(1)
        .with_content_type("application/x-protobuf".into())
        .with_headers(message.headers);
    let options = BasicPublishOptions::default();
    let (exchange, key) = (topology::REALTIME.into(), message.key.into());
    within(channel.basic_publish(exchange, key, options, &message.body, properties)).await?;
    Ok(())
}
