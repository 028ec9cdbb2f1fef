//! One channel's life: declare, consume, hand out, answer.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, field, info_span};
use uuid::Uuid;

use super::{Delivery, Failure, Worker};
use crate::connection::within;
use crate::headers::{ATTEMPTS, Carrier, DIED_IN, REASON, attempts, insert};
use crate::publisher::Outgoing;
use crate::{Bus, Error, topology};

/// Between two checks that the broker still counts us among the queue's consumers.
const CHECK: Duration = Duration::from_secs(30);

/// A pause of about a second; replicas that lost the broker together do not come back together.
pub(super) fn pause() -> Duration {
    Duration::from_millis(rand::random_range(300..1500))
}

impl<H, F> Worker<H>
where
    H: Fn(Delivery) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    /// Consumes on a new channel until told to stop (`Ok`, when all handlers are done) or until the channel
    /// is of no more use.
    pub(super) async fn session(
        self: &Arc<Self>,
        bus: &Bus,
        shutdown: &CancellationToken,
        slots: &Arc<Semaphore>,
        running: &TaskTracker,
    ) -> Result<(), Error> {
        let channel = bus.consuming().channel().await?;
        let mut messages = self.consume(bus, &channel).await?;
        let mut checks = interval(CHECK);
        checks.reset();
        loop {
            // A message is taken only when a handler is free for it.
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
            // A stream that ends was cancelled by the broker, as when the queue is deleted: begin anew.
            let message = message.ok_or(Error::Disconnected)??;
            let worker = Arc::clone(self);
            running.spawn(async move {
                worker.process(message).await;
                drop(slot);
            });
        }
        let _ = within(channel.basic_cancel(messages.tag(), BasicCancelOptions::default())).await;
        // The channel stays open for the answers of the handlers that still run.
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
            &self.dead,
            &consumer.keys,
            &consumer.retry.delays,
        )
        .await?;
        // As many again as run, so that a handler that ends finds the next message here.
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

    /// Fails when the queue is gone or the broker no longer knows of a consumer: the stream may stay silent
    /// in both cases.
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
            self.answer(message, attempt, result).await;
        }
        .instrument(span)
        .await;
    }

    /// Runs the handler within its limit. What it panics with is a reason to retry: the next version may not.
    async fn handle(&self, message: &Message, attempt: u32) -> Result<(), Failure> {
        let event = Event::decode(message.data.as_slice()).map_err(Failure::fail)?;
        let id = Uuid::parse_str(&event.id).map_err(Failure::fail)?;
        Span::current().record("event_id", field::display(id));
        if event.payload.is_none() {
            return Err(Failure::fail("the event has no payload that we know"));
        }
        let delivery = Delivery { id, event, attempt };
        let handling = AssertUnwindSafe(async { (self.handler)(delivery).await }).catch_unwind();
        match timeout(self.consumer.limit, handling).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Failure::retry(format!("the handler panicked: {}", said(&*panic)))),
            Err(_) => Err(Failure::retry("the handler took too long")),
        }
    }

    async fn answer(&self, message: Message, attempt: u32, result: Result<(), Failure>) {
        let outcome = match result {
            Ok(()) => "done",
            Err(Failure::Retry(cause)) => match self.consumer.retry.delay(attempt) {
                Some(delay) => {
                    tracing::warn!(%cause, ?delay, "event not handled, trying again");
                    self.move_on(&message, attempt, Ok(delay)).await
                }
                None => {
                    tracing::error!(%cause, "event not handled, attempts used up");
                    self.move_on(&message, attempt, Err(cause.to_string())).await
                }
            },
            Err(Failure::Fail(cause)) => {
                tracing::error!(%cause, "event not handled, dead letter");
                self.move_on(&message, attempt, Err(cause.to_string())).await
            }
        };
        counter!("bus_consumed_total", "consumer" => self.consumer.name.clone(), "outcome" => outcome)
            .increment(1);
        let answered = if outcome == "unmoved" {
            // At once it would spin; the broker counts this delivery.
            sleep(pause()).await;
            within(message.acker.nack(BasicNackOptions {
                requeue: true,
                multiple: false,
            }))
            .await
        } else {
            within(message.acker.ack(BasicAckOptions::default())).await
        };
        // A channel that is gone has given the message back already, and it comes again.
        if let Err(error) = answered {
            tracing::debug!(%error, "delivery not answered");
        }
    }

    /// Publishes the message to where it waits for its retry, or to the dead letters with a reason.
    async fn move_on(&self, message: &Message, attempt: u32, to: Result<Duration, String>) -> &'static str {
        let queue = &self.consumer.name;
        let mut headers = FieldTable::default();
        for (key, value) in message.properties.headers().iter().flat_map(FieldTable::inner) {
            // The broker's own counters begin anew with the new message.
            if !key.as_str().starts_with("x-") {
                headers.insert(key.clone(), value.clone());
            }
        }
        insert(&mut headers, ATTEMPTS, attempt.to_string());
        let (exchange, key, outcome) = match to {
            Ok(delay) => (topology::waiting_room_name(delay), queue.clone(), "retried"),
            Err(reason) => {
                insert(&mut headers, DIED_IN, queue.clone());
                insert(&mut headers, REASON, reason);
                (String::new(), self.dead.clone(), "dead")
            }
        };
        let id = message
            .properties
            .message_id()
            .as_ref()
            .map_or_else(|| Uuid::now_v7().to_string(), std::string::ToString::to_string);
        let outgoing = Outgoing {
            exchange,
            key,
            id,
            headers,
            body: message.data.clone(),
        };
        match self.publisher.lock().await.publish(outgoing).await {
            Ok(()) => outcome,
            Err(error) => {
                tracing::warn!(%error, "event given back to its queue");
                "unmoved"
            }
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is no text")
}
