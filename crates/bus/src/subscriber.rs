//! Realtime messages, for the keys that somebody wants now.

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
use crate::transient::{self, Change, Incoming};
use crate::{Bus, topology};

/// What a [`RealtimeSubscriber`] hears.
#[derive(Debug)]
pub enum RealtimeHeard {
    /// Messages arrive, for the first time or again: those before this moment were missed, so read what they
    /// would have said.
    Connected,
    /// A message.
    Message {
        /// The key that it was published under.
        key: String,
        /// What it says.
        message: Payload,
        /// Joins the trace of the message's cause: work on the message belongs into it.
        span: Span,
    },
}

/// Receives the realtime messages of the keys that are bound.
#[derive(Debug)]
pub struct RealtimeSubscriber {
    incoming: mpsc::Receiver<Incoming>,
    bindings: Bindings,
}

impl RealtimeSubscriber {
    /// Subscribes to some keys, until dropped.
    pub fn start(bus: &Bus, keys: &[&str]) -> Self {
        let keys: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let transient::Receiver {
            incoming,
            changes,
            up,
        } = transient::start(bus, topology::REALTIME, keys);
        Self {
            incoming,
            bindings: Bindings { changes, up },
        }
    }

    /// A handle that changes the keys, to be kept where rooms are joined and left.
    pub fn bindings(&self) -> Bindings {
        self.bindings.clone()
    }

    /// Waits for the next thing to hear. `None` never comes while the runtime lives.
    pub async fn next(&mut self) -> Option<RealtimeHeard> {
        loop {
            match self.incoming.recv().await? {
                Incoming::Connected => return Some(RealtimeHeard::Connected),
                Incoming::Message { key, headers, body } => {
                    if let Some(message) = decode(&key, &body) {
                        let span = info_span!("hear", otel.kind = "consumer", key);
                        proto::trace::continue_from(&span, &Carrier::new(headers.as_ref()));
                        return Some(RealtimeHeard::Message { key, message, span });
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
        tracing::warn!(key, "realtime message not understood");
    }
    message
}

/// Changes the keys of a [`RealtimeSubscriber`]. Cheap to clone. Keys outlive reconnections; each counts once
/// however often it is bound.
#[derive(Clone, Debug)]
pub struct Bindings {
    changes: mpsc::UnboundedSender<Change>,
    up: Arc<AtomicBool>,
}

impl Bindings {
    /// Asks for the messages of a key. True: from now on they arrive, so what is read after this and what is
    /// heard leave no gap. False: the broker is away; [`RealtimeHeard::Connected`] comes when it is back,
    /// with the key bound.
    pub async fn bind(&self, key: impl Into<String>) -> bool {
        self.change(key.into(), true).await
    }

    /// Asks for no more messages of a key; a few may still arrive.
    pub async fn unbind(&self, key: impl Into<String>) -> bool {
        self.change(key.into(), false).await
    }

    /// Whether messages arrive now.
    pub fn is_connected(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    async fn change(&self, key: String, add: bool) -> bool {
        let (done, applied) = oneshot::channel();
        // A subscriber that is gone has no keys.
        self.changes.send(Change { key, add, done }).is_ok() && applied.await.unwrap_or(false)
    }
}
