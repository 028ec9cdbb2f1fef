//! Exchanges and queues. Declaring is idempotent, so each user declares all that it uses, on every new
//! channel.

use std::time::Duration;

use futures::future::try_join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};

use crate::Error;
use crate::connection::within;

/// The exchange of the durable events.
pub(crate) const EVENTS: &str = "airwave.events";
/// The exchange of the realtime messages.
pub(crate) const REALTIME: &str = "airwave.realtime";
/// After so many deliveries without an answer (a process that dies on the message) the broker makes a dead
/// letter of it. Older brokers have no limit of their own and newer ones 20, so it is always named.
const DELIVERY_LIMIT: i32 = 20;

/// Declares the exchange of the durable events.
pub(crate) async fn events_exchange(channel: &Channel) -> Result<(), Error> {
    exchange(channel, EVENTS, ExchangeKind::Topic, true).await
}

/// Declares the exchange of the realtime messages, which nothing outlives.
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

/// Declares a consumer's queue, its service's queue for dead letters, and the queues in which messages wait
/// for a retry.
pub(crate) async fn consumer(
    channel: &Channel,
    queue: &str,
    dead: &str,
    keys: &[String],
    delays: &[Duration],
) -> Result<(), Error> {
    events_exchange(channel).await?;
    quorum_queue(channel, dead, &[]).await?;
    let limits = [
        ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT)),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(dead)),
    ];
    quorum_queue(channel, queue, &limits).await?;
    bind(channel, queue, EVENTS, keys).await?;
    for delay in delays {
        waiting_room(channel, *delay).await?;
    }
    Ok(())
}

/// The exchange through which a message goes to wait. It takes the queue to come back to as its routing key.
pub(crate) fn waiting_room_name(delay: Duration) -> String {
    format!("airwave.retry.{}", delay.as_millis())
}

/// Declares a queue in which messages wait for one delay. A message that has waited is dead-lettered to the
/// default exchange under the routing key that it came with, which is its queue's name: one waiting room
/// serves every consumer.
async fn waiting_room(channel: &Channel, delay: Duration) -> Result<(), Error> {
    let name = waiting_room_name(delay);
    let millis = i32::try_from(delay.as_millis()).unwrap_or(i32::MAX);
    exchange(channel, &name, ExchangeKind::Fanout, true).await?;
    let limits = [
        ("x-message-ttl", AMQPValue::LongInt(millis)),
        ("x-dead-letter-exchange", text("")),
        // The message leaves the waiting room only when its queue has taken it.
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

/// Binds a queue to keys of an exchange, a bounded number of requests at a time.
pub(crate) async fn bind(
    channel: &Channel,
    queue: &str,
    exchange: &str,
    keys: &[String],
) -> Result<(), Error> {
    for some in keys.chunks(64) {
        let requests = some.iter().map(|key| {
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
