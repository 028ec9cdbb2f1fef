//! Receives realtime messages for a changing set of keys.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::counter;
use prost::Message;
use proto::events::v1::Realtime;
use proto::events::v1::realtime::Message as Payload;
use tokio::sync::{mpsc, oneshot};
use tracing::{Span, info_span};

use crate::headers::Carrier;
use crate::transient::{self, BindingChange, Incoming};
use crate::{Bus, topology};

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost every event is a message; boxing it would allocate for each delivery"
)]
pub enum SubscriberEvent {
    /// The subscriber has connected or reconnected. Earlier messages may be missing, so fetch the current
    /// state.
    Connected,
    Message {
        key: String,
        message: Payload,
        /// A span in the trace of the message's cause. Handle the message inside it.
        span: Span,
    },
}

/// Receives the realtime messages of all bound keys.
#[derive(Debug)]
pub struct RealtimeSubscriber {
    incoming: mpsc::Receiver<Incoming>,
    bindings: KeyBindings,
}

impl RealtimeSubscriber {
    /// Subscribes to the keys until dropped.
    pub fn start(bus: &Bus, keys: &[&str]) -> Self {
        let keys: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let transient::Receiver {
            incoming,
            changes,
            up,
        } = transient::start(bus, topology::REALTIME, keys);
        Self {
            incoming,
            bindings: KeyBindings { changes, up },
        }
    }

    /// Returns a handle that changes the bound keys.
    pub fn bindings(&self) -> KeyBindings {
        self.bindings.clone()
    }

    /// Waits for the next event. Returns `None` only when the runtime shuts down.
    pub async fn next(&mut self) -> Option<SubscriberEvent> {
        loop {
            match self.incoming.recv().await? {
                Incoming::Connected => return Some(SubscriberEvent::Connected),
                Incoming::Message { key, headers, body } => {
                    if let Some(message) = decode(&key, &body) {
                        let span = info_span!("receive", otel.kind = "consumer", key);
                        proto::trace::continue_from(&span, &Carrier::new(headers.as_ref()));
                        return Some(SubscriberEvent::Message { key, message, span });
                    }
                }
            }
        }
    }
}

fn decode(key: &str, body: &[u8]) -> Option<Payload> {
    let message = Realtime::decode(body).ok().and_then(|realtime| realtime.message);
    if message.is_none() {
        counter!("bus_undecodable_total").increment(1);
        tracing::warn!(key, "cannot decode realtime message");
    }
    message
}

/// Changes the keys of a [`RealtimeSubscriber`]. Cheap to clone. Bindings are idempotent and survive
/// reconnections.
#[derive(Clone, Debug)]
pub struct KeyBindings {
    changes: mpsc::UnboundedSender<BindingChange>,
    up: Arc<AtomicBool>,
}

impl KeyBindings {
    /// Subscribes to a key. Returns `true` once the broker has bound it: state that is read afterwards and
    /// the received messages leave no gap. Returns `false` while disconnected; the key is bound before the next
    /// [`SubscriberEvent::Connected`].
    pub async fn bind(&self, key: impl Into<String>) -> bool {
        self.change(key.into(), true).await
    }

    /// Unsubscribes from a key. Messages that are already on their way still arrive.
    pub async fn unbind(&self, key: impl Into<String>) -> bool {
        self.change(key.into(), false).await
    }

    /// Returns whether messages arrive now.
    pub fn is_connected(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    async fn change(&self, key: String, add: bool) -> bool {
        let (done, applied) = oneshot::channel();
        // The send fails if the subscriber was dropped.
        self.changes.send(BindingChange { key, add, done }).is_ok() && applied.await.unwrap_or(false)
    }
}
