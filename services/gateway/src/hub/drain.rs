//! Draining: sockets are warned, and then closed a few at a time in random order, so that they do not all
//! reconnect at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::event::ServerDraining;
use crate::hub::connection::Connection;
use crate::hub::connections::Connections;

/// Into how many groups the sockets are divided.
const GROUPS: u32 = 50;
/// The sockets of one group reconnect within this time after they are closed.
const RECONNECT_SPREAD: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Drain {
    begun: AtomicBool,
    finished: CancellationToken,
}

impl Drain {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    /// Waits until all sockets have been closed.
    pub(crate) async fn finished(&self) {
        self.finished.cancelled().await;
    }

    /// Returns a guard that marks the drain as finished when it is dropped.
    pub(crate) fn finish_on_drop(&self) -> DropGuard {
        self.finished.clone().drop_guard()
    }

    /// Closes all sockets over a period of time. Later sockets are closed as soon as they are added.
    pub(super) async fn run(&self, connections: &Connections, period: Duration) {
        self.begun.store(true, Ordering::SeqCst);
        let mut sockets = connections.all();
        sockets.shuffle(&mut rand::rng());
        let (groups, pause) = (groups(&sockets), period / GROUPS);
        for (group, pauses) in groups.iter().zip(1_u32..) {
            announce(group, pause * pauses);
        }
        for group in groups {
            tokio::time::sleep(pause).await;
            group.iter().for_each(|socket| socket.request_close());
        }
    }
}

fn groups(sockets: &[Arc<Connection>]) -> Vec<&[Arc<Connection>]> {
    let groups = usize::try_from(GROUPS).unwrap_or(1);
    sockets.chunks(sockets.len().div_ceil(groups).max(1)).collect()
}

/// Tells each socket when to reconnect, given the time until it is closed.
fn announce(sockets: &[Arc<Connection>], closed_in: Duration) {
    for socket in sockets {
        let reconnect_in = closed_in + RECONNECT_SPREAD.mul_f64(rand::random());
        socket.emit(&ServerDraining {
            reconnect_in_ms: u64::try_from(reconnect_in.as_millis()).unwrap_or(u64::MAX),
        });
    }
}
