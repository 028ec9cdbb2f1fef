//! Delivers durable events to every replica, without a durable queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::counter;
use prost::Message;
use proto::events::v1::Event;
use tracing::{Span, info_span};

use crate::headers::Carrier;
use crate::transient::{self, Incoming};
use crate::{Bus, topology};

#[derive(Debug)]
pub enum ListenerEvent {
    /// The listener has connected or reconnected. Earlier events may be missing, so fetch the current state.
    Connected,
    /// An event, and a span in the trace of its cause. Handle the event inside the span.
    Event(Box<Event>, Span),
}

/// Receives durable events in one replica. It misses events while disconnected, reports each connection, and
/// needs no inbox.
#[derive(Debug)]
pub struct Listener {
    incoming: tokio::sync::mpsc::Receiver<Incoming>,
    up: Arc<AtomicBool>,
}

impl Listener {
    /// Listens for events with one of the routing keys until dropped; `*` matches one word.
    pub fn start(bus: &Bus, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let transient::Receiver { incoming, up, .. } = transient::start(bus, topology::EVENTS, keys);
        Self { incoming, up }
    }

    /// Waits for the next event. Returns `None` only when the runtime shuts down.
    pub async fn next(&mut self) -> Option<ListenerEvent> {
        loop {
            match self.incoming.recv().await? {
                Incoming::Connected => return Some(ListenerEvent::Connected),
                Incoming::Message { key, headers, body } => match Event::decode(body.as_slice()) {
                    Ok(event) => {
                        let span = info_span!("receive", otel.kind = "consumer", key, event_id = event.id);
                        proto::trace::continue_from(&span, &Carrier::new(headers.as_ref()));
                        return Some(ListenerEvent::Event(Box::new(event), span));
                    }
                    Err(error) => {
                        counter!("bus_undecodable_total").increment(1);
                        tracing::warn!(key, %error, "cannot decode event");
                    }
                },
            }
        }
    }

    /// Returns whether events arrive now. While they do not, poll for changes instead.
    pub fn is_connected(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}
