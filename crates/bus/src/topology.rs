//! Declares exchanges and queues. Declaring is idempotent, so every new channel declares all it uses.

use std::time::Duration;

use futures::future::try_join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};

use crate::Error;
use crate::connection::within;

pub(crate) const EVENTS: &str = "airwave.events";
pub(crate) const REALTIME: &str = "airwave.realtime";
/// The broker dead-letters a message after this many unacknowledged deliveries, as when it crashes its
/// consumer. Set explicitly because older brokers have no default; newer ones use 20.
const DELIVERY_LIMIT: i32 = 20;

pub(crate) async fn events_exchange(channel: &Channel) -> Result<(), Error> {
    exchange(channel, EVENTS, ExchangeKind::Topic, true).await
}

pub(crate) async fn realtime_exchange(channel: &Channel) -> Result<(), Error> {
    exchange(channel, REALTIME, ExchangeKind::Topic, false).await
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind, durable: bool) -> Result<(), Error> {
    let options = ExchangeDeclareOptions {
        durable,
        ..Default::default()
    };
    within(channel.exchange_declare(name.into(), kind, options, FieldTable::default())).await
}

/// Declares a consumer's queue, its service's dead-letter queue and the retry queues.
pub(crate) async fn consumer(
    channel: &Channel,
    queue: &str,
    dead_letter_queue: &str,
    keys: &[String],
    delays: &[Duration],
) -> Result<(), Error> {
    events_exchange(channel).await?;
    quorum_queue(channel, dead_letter_queue, &[]).await?;
    let limits = [
        ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT)),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(dead_letter_queue)),
    ];
    quorum_queue(channel, queue, &limits).await?;
    bind(channel, queue, EVENTS, keys).await?;
    for delay in delays {
        retry_queue(channel, *delay).await?;
    }
    Ok(())
}

/// Names the exchange of a retry queue. Publish to it with the queue to return to as the routing key.
pub(crate) fn retry_exchange_name(delay: Duration) -> String {
    format!("airwave.retry.{}", delay.as_millis())
}

/// Declares the queue in which messages wait for one delay. Afterwards the broker dead-letters them to the
/// default exchange under their routing key, which names the consumer's queue, so all consumers share it.
async fn retry_queue(channel: &Channel, delay: Duration) -> Result<(), Error> {
    let name = retry_exchange_name(delay);
    let millis = i32::try_from(delay.as_millis()).unwrap_or(i32::MAX);
    exchange(channel, &name, ExchangeKind::Fanout, true).await?;
    let limits = [
        ("x-message-ttl", AMQPValue::LongInt(millis)),
        ("x-dead-letter-exchange", text("")),
        // The message stays in the retry queue until its destination has confirmed it.
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ];
    quorum_queue(channel, &name, &limits).await?;
    bind(channel, &name, &name, &[String::new()]).await
}

async fn quorum_queue(channel: &Channel, name: &str, arguments: &[(&str, AMQPValue)]) -> Result<(), Error> {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    for (key, value) in arguments {
        table.insert((*key).into(), value.clone());
    }
    within(channel.queue_declare(name.into(), QueueDeclareOptions::durable(), table)).await?;
    Ok(())
}

/// Binds a queue to keys of an exchange, with up to 64 concurrent requests.
pub(crate) async fn bind(
    channel: &Channel,
    queue: &str,
    exchange: &str,
    keys: &[String],
) -> Result<(), Error> {
    for chunk in keys.chunks(64) {
        let requests = chunk.iter().map(|key| {
            let options = QueueBindOptions::default();
            channel.queue_bind(
                queue.into(),
                exchange.into(),
                key.as_str().into(),
                options,
                FieldTable::default(),
            )
        });
        within(try_join_all(requests)).await?;
    }
    Ok(())
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
