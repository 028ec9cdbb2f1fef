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

pub use outcome::HandlerError;

use crate::Bus;
use crate::publisher::Publisher;

/// An event that is passed to a handler.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Deduplicates the event with [`inbox_claim`](crate::inbox_claim).
    pub id: Uuid,
    /// The event; its payload is always present.
    pub event: Event,
    /// Starts at 1 and includes attempts that ended with a crash of the process.
    pub attempt: u32,
}

/// When a message is retried, and when it becomes a dead letter.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// The delays after the first attempt, the second and so on; the last one repeats. Each distinct delay
    /// needs a queue on the broker, which all consumers share, so use few of them.
    pub delays: Vec<Duration>,
    /// The message becomes a dead letter after this many attempts.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    /// Retries after 1, 5 and 30 seconds, then every five minutes: about 80 minutes in all, which outlasts
    /// most outages of a dependency.
    fn default() -> Self {
        let delays = [1, 5, 30, 300].map(Duration::from_secs).to_vec();
        Self { delays, attempts: 20 }
    }
}

impl RetryPolicy {
    /// Returns the delay after an attempt, or `None` after the last one.
    fn delay(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.delays.get(index).or(self.delays.last()).copied()
    }
}

/// Describes a durable consumer.
#[derive(Debug, Clone)]
pub struct Consumer {
    name: String,
    keys: Vec<String>,
    retry: RetryPolicy,
    concurrency: u16,
    handler_timeout: Duration,
}

impl Consumer {
    /// Creates a consumer of events with one of the routing keys; `*` matches one word. Its name,
    /// `<service>.<name>`, is also that of its queue.
    pub fn new(name: &str, keys: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            retry: RetryPolicy::default(),
            concurrency: 8,
            handler_timeout: Duration::from_secs(30),
        }
    }

    #[must_use]
    pub fn retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// Sets how many handlers run at once in this process (default: 8).
    #[must_use]
    pub fn concurrency(self, concurrency: u16) -> Self {
        Self {
            concurrency: concurrency.max(1),
            ..self
        }
    }

    /// Sets how long a handler may run before its attempt fails (default: 30 s). Keep it far below the
    /// broker's own limit of 30 minutes: long work belongs in a job table.
    #[must_use]
    pub fn handler_timeout(self, timeout: Duration) -> Self {
        Self {
            handler_timeout: timeout,
            ..self
        }
    }

    /// Consumes until shutdown, across reconnections, and then waits for running handlers.
    pub async fn run<H, F>(self, bus: Bus, shutdown: CancellationToken, handler: H)
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(usize::from(self.concurrency)));
        let worker = Arc::new(Worker {
            dead_letter_queue: dead_letter_queue(&self.name),
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
                Err(error) => {
                    let consumer = &worker.consumer.name;
                    tracing::warn!(consumer, %error, "consumer interrupted, restarting");
                }
            }
            if shutdown
                .run_until_cancelled(sleep(session::restart_delay()))
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

/// Returns the name of a service's dead-letter queue: `stream.dead` for `stream.owners`.
fn dead_letter_queue(consumer: &str) -> String {
    let service = consumer.split_once('.').map_or(consumer, |(service, _)| service);
    format!("{service}.dead")
}

struct Worker<H> {
    consumer: Consumer,
    dead_letter_queue: String,
    /// Locked until the confirm arrives, so that a returned message is attributed to the right publish.
    publisher: Mutex<Publisher>,
    handler: H,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_delay_repeats_until_last_attempt() {
        let retry = RetryPolicy {
            delays: vec![Duration::from_secs(1), Duration::from_secs(5)],
            attempts: 4,
        };
        let delays: Vec<_> = (1..=5)
            .map(|attempt| retry.delay(attempt).map(|delay| delay.as_secs()))
            .collect();
        assert_eq!(delays, [Some(1), Some(5), Some(5), None, None]);
    }

    #[test]
    fn dead_letter_queue_is_named_after_service() {
        assert_eq!(dead_letter_queue("stream.owners"), "stream.dead");
    }
}
