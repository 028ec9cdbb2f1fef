//! Which of a socket's events may wait for their turn.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use socketioxide::extract::AckSender;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::config::SocketConfig;
use crate::domain::flood::{Flood, Verdict};
use crate::hub::connection::Connection;
use crate::hub::lock;
use crate::inbound::socket::event::{Incoming, RawEvent, refuse};
use crate::inbound::socket::worker::{refused, too_fast};

/// Events of one socket that wait for their turn.
const QUEUE: usize = 64;

/// Takes the events of one socket as they come, and puts those that may be handled into its queue.
pub(super) struct Intake {
    flood: Mutex<Flood>,
    queue: mpsc::Sender<Incoming>,
}

impl Intake {
    /// An intake, and what comes out of it.
    pub(super) fn new(limits: &SocketConfig) -> (Self, mpsc::Receiver<Incoming>) {
        let (queue, events) = mpsc::channel(QUEUE);
        let flood = Mutex::new(Flood::new(
            limits.gateway_socket_event_burst,
            limits.gateway_socket_events_per_second,
        ));
        (Self { flood, queue }, events)
    }

    /// An event came. It counts before it is read, so that one that makes no sense is not cheaper than
    /// another.
    pub(super) fn take(&self, connection: &Arc<Connection>, event: RawEvent, ack: AckSender) {
        match self.judge(Flood::event) {
            Verdict::Pass => self.enqueue(connection, event, ack),
            Verdict::Refuse => match event.read() {
                Ok((name, data)) => refused(connection, Incoming { name, data, ack }, &too_fast()),
                Err(_) => refuse(ack, &too_fast()),
            },
            Verdict::Cut => cut(connection),
            Verdict::Ignore => {}
        }
    }

    fn enqueue(&self, connection: &Arc<Connection>, event: RawEvent, ack: AckSender) {
        let (name, data) = match event.read() {
            Ok(read) => read,
            Err(error) => return refuse(ack, &error),
        };
        if let Err(TrySendError::Full(incoming)) = self.queue.try_send(Incoming { name, data, ack }) {
            match self.judge(Flood::refusal) {
                Verdict::Cut => cut(connection),
                Verdict::Ignore => {}
                Verdict::Pass | Verdict::Refuse => refused(connection, incoming, &too_fast()),
            }
        }
    }

    fn judge(&self, what: fn(&mut Flood, Instant) -> Verdict) -> Verdict {
        what(&mut lock(&self.flood), Instant::now())
    }
}

/// Its client is told to go and does not come back by itself.
fn cut(connection: &Arc<Connection>) {
    metrics::counter!("gateway_socket_flooded_total").increment(1);
    connection.expel();
}
