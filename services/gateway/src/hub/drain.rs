//! How the sockets go when the process stops: they are told first, and closed a few at a time in random
//! order, so that they do not all come back at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::hub::Hub;
use crate::hub::connection::Connection;
use crate::hub::event::ServerDraining;

/// Sockets go in so many parts.
const SLICES: u32 = 50;
/// Those of one part come back within this time after they are closed.
const SPREAD: Duration = Duration::from_secs(1);

/// How far the end of the process has come.
#[derive(Default)]
pub(super) struct Drain {
    begun: AtomicBool,
    over: CancellationToken,
}

impl Hub {
    /// Whether the sockets are being sent away.
    pub(crate) fn is_draining(&self) -> bool {
        self.drain.begun.load(Ordering::SeqCst)
    }

    /// Ends when the last socket has been sent away.
    pub(crate) async fn drained(&self) {
        self.drain.over.cancelled().await;
    }

    /// Says that the last socket has been sent away when it is dropped.
    pub(crate) fn end_of_drain(&self) -> DropGuard {
        self.drain.over.clone().drop_guard()
    }

    /// Sends all sockets away within a time. Those that come from now on are sent away at once.
    pub(crate) async fn drain(&self, time: Duration) {
        self.drain.begun.store(true, Ordering::SeqCst);
        let mut sockets = self.all();
        sockets.shuffle(&mut rand::rng());
        let (slices, pause) = (slices(&sockets), time / SLICES);
        for (slice, pauses) in slices.iter().zip(1_u32..) {
            tell(slice, pause * pauses);
        }
        for slice in slices {
            tokio::time::sleep(pause).await;
            slice.iter().for_each(|socket| socket.depart());
        }
    }
}

fn slices(sockets: &[Arc<Connection>]) -> Vec<&[Arc<Connection>]> {
    let slices = usize::try_from(SLICES).unwrap_or(1);
    sockets.chunks(sockets.len().div_ceil(slices).max(1)).collect()
}

/// Tells sockets that they will be closed after a time, and when to come back.
fn tell(sockets: &[Arc<Connection>], closed_in: Duration) {
    for socket in sockets {
        let back_in = closed_in + SPREAD.mul_f64(rand::random());
        socket.emit(&ServerDraining {
            reconnect_in_ms: u64::try_from(back_in.as_millis()).unwrap_or(u64::MAX),
        });
    }
}
