//! Events and realtime messages, collected for assertions.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use bus::{Bus, BusConfig, Listener, ListenerEvent, RealtimeSubscriber, SubscriberEvent};
use proto::events::v1::event;
use proto::events::v1::realtime;

use crate::TIMEOUT;

/// Durable events, in the order of their arrival.
pub type EventLog = Log<event::Payload>;

/// Realtime messages, in the order of their arrival.
pub type RealtimeLog = Log<realtime::Message>;

/// Collects messages from the bus until it is dropped.
pub struct Log<T> {
    received: Received<T>,
    /// How many messages `next` has returned.
    read: usize,
    pub bus: Bus,
}

type Received<T> = Arc<Mutex<Vec<(Instant, T)>>>;

impl EventLog {
    /// Returns once the queue is bound. `*` in a routing key stands for one word.
    pub async fn listen(config: &BusConfig, keys: &[&str]) -> Self {
        let bus = Bus::connect(config, "test").unwrap();
        let mut listener = Listener::start(&bus, keys);
        let first = tokio::time::timeout(TIMEOUT, listener.next()).await;
        assert!(matches!(first, Ok(Some(ListenerEvent::Connected))));
        let log = Self::new(bus);
        let received = log.received.clone();
        tokio::spawn(async move {
            while let Some(next) = listener.next().await {
                if let ListenerEvent::Event(event, _) = next {
                    record(&received, event.payload.unwrap());
                }
            }
        });
        log
    }
}

impl RealtimeLog {
    /// Returns once the queue is bound.
    pub async fn listen(config: &BusConfig, keys: &[&str]) -> Self {
        let bus = Bus::connect(config, "test").unwrap();
        let mut subscriber = RealtimeSubscriber::start(&bus, keys);
        let first = tokio::time::timeout(TIMEOUT, subscriber.next()).await;
        assert!(matches!(first, Ok(Some(SubscriberEvent::Connected))));
        let log = Self::new(bus);
        let received = log.received.clone();
        tokio::spawn(async move {
            while let Some(next) = subscriber.next().await {
                if let SubscriberEvent::Message { message, .. } = next {
                    record(&received, message);
                }
            }
        });
        log
    }
}

fn record<T>(received: &Received<T>, message: T) {
    received.lock().unwrap().push((Instant::now(), message));
}

impl<T: Clone> Log<T> {
    fn new(bus: Bus) -> Self {
        Self {
            received: Arc::default(),
            read: 0,
            bus,
        }
    }

    /// Returns what `pick` selects from the messages so far, with the times of their arrival.
    pub fn all_with_times<U>(&self, mut pick: impl FnMut(&T) -> Option<U>) -> Vec<(Instant, U)> {
        let received = self.received.lock().unwrap();
        let picked = received
            .iter()
            .filter_map(|(at, message)| Some((*at, pick(message)?)));
        picked.collect()
    }

    /// Returns what `pick` selects from the messages so far.
    pub fn all<U>(&self, pick: impl FnMut(&T) -> Option<U>) -> Vec<U> {
        let picked = self.all_with_times(pick).into_iter();
        picked.map(|(_, value)| value).collect()
    }

    /// Waits for the first message that `pick` selects.
    pub async fn first<U>(&self, what: &str, pick: impl FnMut(&T) -> Option<U>) -> U {
        self.first_with_time(what, pick).await.1
    }

    /// Like [`first`](Self::first), with the time of its arrival.
    pub async fn first_with_time<U>(
        &self,
        what: &str,
        mut pick: impl FnMut(&T) -> Option<U>,
    ) -> (Instant, U) {
        stack::eventually(TIMEOUT, what, async || {
            self.all_with_times(&mut pick).into_iter().next()
        })
        .await
        .unwrap()
    }

    /// Waits for the next message that this method has not returned yet.
    pub async fn next(&mut self) -> T {
        let read = self.read;
        let next = stack::eventually(TIMEOUT, "the next message", async || {
            self.received.lock().unwrap().get(read).cloned()
        });
        let (_, message) = next.await.unwrap();
        self.read += 1;
        message
    }
}
