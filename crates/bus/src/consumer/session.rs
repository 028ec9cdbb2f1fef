//! Consumes on one channel: declares the queues, runs the handlers and acknowledges.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::message::Delivery as Message;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use metrics::{counter, histogram};
use prost::Message as _;
use proto::events::v1::Event;
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, field, info_span};
use uuid::Uuid;

use super::{Delivery, HandlerError, Worker};
use crate::connection::within;
use crate::headers::{ATTEMPTS, Carrier, DEAD_LETTER_QUEUE, DEAD_LETTER_REASON, attempts, insert};
use crate::publisher::OutgoingMessage;
use crate::{Bus, Error, topology};

/// Interval of the checks that the broker still lists this consumer.
const CONSUMER_CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Returns about a second, randomised so that replicas do not reconnect at the same moment.
pub(super) fn restart_delay() -> Duration {
    Duration::from_millis(rand::random_range(300..1500))
}

impl<H, F> Worker<H>
where
    H: Fn(Delivery) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    /// Consumes on a new channel until shutdown (`Ok`, after all handlers have finished) or until the channel
    /// fails.
    pub(super) async fn session(
        self: &Arc<Self>,
        bus: &Bus,
        shutdown: &CancellationToken,
        slots: &Arc<Semaphore>,
        running: &TaskTracker,
    ) -> Result<(), Error> {
        let channel = bus.consuming().channel().await?;
        let mut messages = self.consume(bus, &channel).await?;
        let mut checks = interval(CONSUMER_CHECK_INTERVAL);
        checks.reset();
        loop {
            // Take a message only when a handler is free, so that other replicas can have it.
            let slot = tokio::select! {
                slot = Arc::clone(slots).acquire_owned() => slot.ok(),
                () = shutdown.cancelled() => break,
            };
            let message = tokio::select! {
                message = messages.next() => message,
                _ = checks.tick() => {
                    self.check(&channel).await?;
                    continue;
                }
                () = shutdown.cancelled() => break,
            };
            // The broker cancelled the consumer, for example because the queue was deleted: declare it again.
            let message = message.ok_or(Error::Disconnected)??;
            let worker = Arc::clone(self);
            running.spawn(async move {
                worker.process(message).await;
                drop(slot);
            });
        }
        let _ = within(channel.basic_cancel(messages.tag(), BasicCancelOptions::default())).await;
        // Keep the channel open for the acknowledgements of running handlers.
        running.close();
        running.wait().await;
        let _ = within(channel.close(200, "goodbye".into())).await;
        Ok(())
    }

    async fn consume(&self, bus: &Bus, channel: &Channel) -> Result<lapin::Consumer, Error> {
        let consumer = &self.consumer;
        topology::consumer(
            channel,
            &consumer.name,
            &self.dead_letter_queue,
            &consumer.keys,
            &consumer.retry.delays,
        )
        .await?;
        // Twice the concurrency, so that a free handler does not wait for the network.
        let prefetch = consumer.concurrency.saturating_mul(2);
        within(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let tag = format!("{}.{}", bus.name(), Uuid::now_v7());
        let options = BasicConsumeOptions::default();
        within(channel.basic_consume(
            consumer.name.as_str().into(),
            tag.into(),
            options,
            FieldTable::default(),
        ))
        .await
    }

    /// Fails if the queue was deleted or has no consumers: the delivery stream may not report either.
    async fn check(&self, channel: &Channel) -> Result<(), Error> {
        let options = QueueDeclareOptions::durable().passive();
        let name = self.consumer.name.as_str();
        let queue = within(channel.queue_declare(name.into(), options, FieldTable::default())).await?;
        if queue.consumer_count() == 0 {
            Err(Error::Disconnected)
        } else {
            Ok(())
        }
    }

    async fn process(&self, message: Message) {
        let headers = message.properties.headers().as_ref();
        let attempt = attempts(headers).saturating_add(1);
        let span = info_span!(
            "consume",
            otel.kind = "consumer",
            consumer = self.consumer.name,
            key = %message.routing_key,
            event_id = field::Empty,
            attempt,
        );
        proto::trace::continue_from(&span, &Carrier::new(headers));
        async {
            let started = Instant::now();
            let result = self.handle(&message, attempt).await;
            let consumer = self.consumer.name.clone();
            histogram!("bus_handler_seconds", "consumer" => consumer).record(started.elapsed());
            self.acknowledge(message, attempt, result).await;
        }
        .instrument(span)
        .await;
    }

    /// Runs the handler within its time limit. A panic is retried, because a newer version may not panic.
    async fn handle(&self, message: &Message, attempt: u32) -> Result<(), HandlerError> {
        let event = Event::decode(message.data.as_slice()).map_err(HandlerError::fail)?;
        let id = Uuid::parse_str(&event.id).map_err(HandlerError::fail)?;
        Span::current().record("event_id", field::display(id));
        if event.payload.is_none() {
            return Err(HandlerError::fail("unknown payload type"));
        }
        let delivery = Delivery { id, event, attempt };
        let handling = AssertUnwindSafe(async { (self.handler)(delivery).await }).catch_unwind();
        match timeout(self.consumer.handler_timeout, handling).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(HandlerError::retry(format!(
                "handler panicked: {}",
                panic_message(&*panic)
            ))),
            Err(_) => Err(HandlerError::retry("handler timed out")),
        }
    }

    async fn acknowledge(&self, message: Message, attempt: u32, result: Result<(), HandlerError>) {
        let outcome = match result {
            Ok(()) => "done",
            Err(HandlerError::Retry(cause)) => match self.consumer.retry.delay(attempt) {
                Some(delay) => {
                    tracing::warn!(%cause, ?delay, "event not handled, retrying");
                    self.republish(&message, attempt, Ok(delay)).await
                }
                None => {
                    tracing::error!(%cause, "event not handled, no attempts left");
                    self.republish(&message, attempt, Err(cause.to_string())).await
                }
            },
            Err(HandlerError::Fail(cause)) => {
                tracing::error!(%cause, "event not handled, moved to dead letters");
                self.republish(&message, attempt, Err(cause.to_string())).await
            }
        };
        counter!("bus_consumed_total", "consumer" => self.consumer.name.clone(), "outcome" => outcome)
            .increment(1);
        let acknowledged = if outcome == "requeued" {
            // Wait first, because the broker delivers the message again at once. It counts this delivery.
            sleep(restart_delay()).await;
            within(message.acker.nack(BasicNackOptions {
                requeue: true,
                multiple: false,
            }))
            .await
        } else {
            within(message.acker.ack(BasicAckOptions::default())).await
        };
        // If the channel has failed, the broker has requeued the message already.
        if let Err(error) = acknowledged {
            tracing::debug!(%error, "cannot acknowledge delivery");
        }
    }

    /// Publishes the message to a retry queue, or to the dead letters with a reason. Returns the outcome for
    /// the metric.
    async fn republish(&self, message: &Message, attempt: u32, to: Result<Duration, String>) -> &'static str {
        let queue = &self.consumer.name;
        let mut headers = FieldTable::default();
        for (key, value) in message.properties.headers().iter().flat_map(FieldTable::inner) {
            // Drop the broker's own counters: this is a new message.
            if !key.as_str().starts_with("x-") {
                headers.insert(key.clone(), value.clone());
            }
        }
        insert(&mut headers, ATTEMPTS, attempt.to_string());
        let (exchange, key, outcome) = match to {
            Ok(delay) => (topology::retry_exchange_name(delay), queue.clone(), "retried"),
            Err(reason) => {
                insert(&mut headers, DEAD_LETTER_QUEUE, queue.clone());
                insert(&mut headers, DEAD_LETTER_REASON, reason);
                (String::new(), self.dead_letter_queue.clone(), "dead")
            }
        };
        let id = message
            .properties
            .message_id()
            .as_ref()
            .map_or_else(|| Uuid::now_v7().to_string(), std::string::ToString::to_string);
        let outgoing = OutgoingMessage {
            exchange,
            key,
            id,
            headers,
            body: message.data.clone(),
        };
        match self.publisher.lock().await.publish(outgoing).await {
            Ok(()) => outcome,
            Err(error) => {
                tracing::warn!(%error, "cannot republish event, returning it to its queue");
                "requeued"
            }
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("not a string")
}
