//! Durable consumers: one queue per consumer, shared by all replicas of its service.

mod outcome;
mod session;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use proto::events::v1::Event;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use outcome::Failure;

use crate::Bus;
use crate::publisher::Publisher;

/// An event on its way to a handler.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event's id, for [`inbox_claim`](crate::inbox_claim).
    pub id: Uuid,
    /// The event; its payload is present, whatever its type says.
    pub event: Event,
    /// Counts from one. An attempt that ended with its process counts too.
    pub attempt: u32,
}

/// When a message whose handler asked for a retry comes back, and when it is given up.
#[derive(Debug, Clone)]
pub struct Retry {
    /// The pause after the first attempt, the second and so on; the last one repeats. Consumers that share a
    /// delay share the broker's queue for it, so the fewer different ones the better.
    pub delays: Vec<Duration>,
    /// After so many attempts the message becomes a dead letter.
    pub attempts: u32,
}

impl Default for Retry {
    /// Soon at first, then every five minutes: in all about 80 minutes, which outlasts most outages of a
    /// dependency.
    fn default() -> Self {
        let delays = [1, 5, 30, 300].map(Duration::from_secs).to_vec();
        Self { delays, attempts: 20 }
    }
}

impl Retry {
    /// The pause after an attempt, or nothing when it was the last.
    fn delay(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.delays.get(index).or(self.delays.last()).copied()
    }
}

/// A durable consumer before it runs.
#[derive(Debug, Clone)]
pub struct Consumer {
    name: String,
    keys: Vec<String>,
    retry: Retry,
    concurrency: u16,
    limit: Duration,
}

impl Consumer {
    /// A consumer named `<service>.<name>`, which is the name of its queue too, for events with one of the
    /// routing keys; `*` stands for one word.
    pub fn new(name: &str, keys: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            retry: Retry::default(),
            concurrency: 8,
            limit: Duration::from_secs(30),
        }
    }

    /// Sets when messages are tried again and when they are given up.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Sets how many handlers run at once in this process; 8 unless told otherwise.
    #[must_use]
    pub fn concurrency(self, concurrency: u16) -> Self {
        Self {
            concurrency: concurrency.max(1),
            ..self
        }
    }

    /// Sets how long one handler may take before its attempt counts as failed; 30 s unless told otherwise.
    /// Keep it far below the broker's own 30 minutes: long work belongs into a job row.
    #[must_use]
    pub fn handler_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Consumes until told to stop, through every reconnection, and then finishes the handlers that run.
    pub async fn run<H, F>(self, bus: Bus, shutdown: CancellationToken, handler: H)
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(usize::from(self.concurrency)));
        let worker = Arc::new(Worker {
            dead: dead_letters(&self.name),
            publisher: Mutex::new(Publisher::new(&bus)),
            handler,
            consumer: self,
        });
        let running = TaskTracker::new();
        loop {
            if shutdown
                .run_until_cancelled(bus.consuming().connected())
                .await
                .is_none()
            {
                break;
            }
            match worker.session(&bus, &shutdown, &slots, &running).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(consumer = worker.consumer.name, %error, "consuming again soon"),
            }
            if shutdown
                .run_until_cancelled(sleep(session::pause()))
                .await
                .is_none()
            {
                break;
            }
        }
        running.close();
        running.wait().await;
    }
}

/// The queue for a service's dead letters: `stream.dead` for `stream.owners`.
fn dead_letters(consumer: &str) -> String {
    let service = consumer.split_once('.').map_or(consumer, |(service, _)| service);
    format!("{service}.dead")
}

/// A consumer that runs.
struct Worker<H> {
    consumer: Consumer,
    dead: String,
    /// Locked from a message to its confirm, so that a returned message cannot be taken for another's.
    publisher: Mutex<Publisher>,
    handler: H,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_delay_repeats_until_the_attempts_are_used_up() {
        let retry = Retry {
            delays: vec![Duration::from_secs(1), Duration::from_secs(5)],
            attempts: 4,
        };
        let delays: Vec<_> = (1..=5)
            .map(|attempt| retry.delay(attempt).map(|delay| delay.as_secs()))
            .collect();
        assert_eq!(delays, [Some(1), Some(5), Some(5), None, None]);
    }

    #[test]
    fn dead_letters_are_kept_by_service() {
        assert_eq!(dead_letters("stream.owners"), "stream.dead");
    }
}
