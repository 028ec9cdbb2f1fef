//! Durable events heard by one replica, without a durable queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::counter;
use prost::Message;
use proto::events::v1::Event;
use tracing::{Span, info_span};

use crate::headers::Carrier;
use crate::transient::{self, Incoming};
use crate::{Bus, topology};

/// What a [`Listener`] hears.
#[derive(Debug)]
pub enum Heard {
    /// Listening begins, for the first time or again: events before this moment were missed, so ask for the
    /// state now.
    Connected,
    /// An event, and a span that joins the trace of its cause: work on the event belongs into it.
    Event(Box<Event>, Span),
}

/// One replica's ear on the durable events. It may miss events while the broker is away, says so, and needs
/// no inbox.
#[derive(Debug)]
pub struct Listener {
    incoming: tokio::sync::mpsc::Receiver<Incoming>,
    up: Arc<AtomicBool>,
}

impl Listener {
    /// Listens for events with one of the routing keys until dropped; `*` stands for one word.
    pub fn start(bus: &Bus, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let transient::Receiver { incoming, up, .. } = transient::start(bus, topology::EVENTS, keys);
        Self { incoming, up }
    }

    /// Waits for the next thing to hear. `None` never comes while the runtime lives.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.incoming.recv().await? {
                Incoming::Connected => return Some(Heard::Connected),
                Incoming::Message { key, headers, body } => match Event::decode(body.as_slice()) {
                    Ok(event) => {
                        let span = info_span!("hear", otel.kind = "consumer", key, event_id = event.id);
                        proto::trace::continue_from(&span, &Carrier::new(headers.as_ref()));
                        return Some(Heard::Event(Box::new(event), span));
                    }
                    Err(error) => {
                        counter!("bus_undecodable_total").increment(1);
                        tracing::warn!(key, %error, "event not understood");
                    }
                },
            }
        }
    }

    /// Whether events arrive now; while not, ask for what they would say.
    pub fn is_connected(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}
