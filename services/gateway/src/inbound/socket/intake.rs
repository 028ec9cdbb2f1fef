//! Decides which events of a socket are queued.

use std::sync::{Arc, Mutex};

use socketioxide::extract::AckSender;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use crate::config::SocketConfig;
use crate::domain::flood::{EventDecision, Flood};
use crate::hub::connection::Connection;
use crate::hub::lock::lock;
use crate::inbound::socket::packet::{Incoming, RawEvent, reject};
use crate::inbound::socket::worker::{rejected, too_fast};

/// Events of one socket in its queue.
const QUEUE_LENGTH: usize = 64;

/// Queues the events of one socket, within its limits.
pub(super) struct Intake {
    flood: Mutex<Flood>,
    queue: mpsc::Sender<Incoming>,
}

impl Intake {
    /// Returns an intake and the receiver of its queue.
    pub(super) fn new(limits: &SocketConfig) -> (Self, mpsc::Receiver<Incoming>) {
        let (queue, events) = mpsc::channel(QUEUE_LENGTH);
        let flood = Mutex::new(Flood::new(
            limits.gateway_socket_event_burst,
            limits.gateway_socket_events_per_second,
        ));
        (Self { flood, queue }, events)
    }

    /// Takes an event. It counts before it is parsed, so that a malformed event costs the client as much as a
    /// valid one.
    pub(super) fn take(&self, connection: &Arc<Connection>, event: RawEvent, ack: AckSender) {
        match self.decide(Flood::event) {
            EventDecision::Accept => self.enqueue(connection, event, ack),
            EventDecision::Reject => match event.read() {
                Ok((name, _)) => rejected(connection, &name, ack, &too_fast()),
                Err(_) => reject(ack, &too_fast()),
            },
            EventDecision::Disconnect => disconnect(connection),
            EventDecision::Ignore => {}
        }
    }

    fn enqueue(&self, connection: &Arc<Connection>, event: RawEvent, ack: AckSender) {
        let (name, data) = match event.read() {
            Ok(read) => read,
            Err(error) => return reject(ack, &error),
        };
        if let Err(TrySendError::Full(incoming)) = self.queue.try_send(Incoming { name, data, ack }) {
            match self.decide(Flood::rejection) {
                EventDecision::Disconnect => disconnect(connection),
                EventDecision::Ignore => {}
                EventDecision::Accept | EventDecision::Reject => {
                    rejected(connection, &incoming.name, incoming.ack, &too_fast());
                }
            }
        }
    }

    fn decide(&self, count: fn(&mut Flood, Instant) -> EventDecision) -> EventDecision {
        count(&mut lock(&self.flood), Instant::now())
    }
}

fn disconnect(connection: &Arc<Connection>) {
    metrics::counter!("gateway_socket_flooded_total").increment(1);
    connection.disconnect();
}
