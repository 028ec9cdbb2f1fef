//! Who watches which stream on this gateway. The stream service learns it as viewer leases, which are renewed
//! while a viewer is present.

mod counts;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use primitives::{Error, StreamId};
use proto::CallContext;
use proto::stream::v1::ViewerLease;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use crate::domain::presence::{Lease, Presence, Viewer};
use crate::hub::connection::Connection;
use crate::hub::drain::Drain;
use crate::hub::lock::lock;
use crate::hub::upstream::{CALL_TIMEOUT, Upstream};
use crate::hub::viewers::counts::{Counts, Waiting};

/// A lease lasts 15 s, so two renewals may be lost. In the worst case a renewal waits for a report of
/// changes, which is two calls of up to [`CALL_TIMEOUT`]: then 14 s have passed since the last one.
const RENEW_PERIOD: Duration = Duration::from_secs(5);
/// Changes within this time are reported together.
const GATHER: Duration = Duration::from_millis(10);
const LEASES_PER_CALL: usize = 1000;
const CONCURRENT_CALLS: usize = 8;

pub(crate) struct Viewers {
    presence: Mutex<Presence>,
    changes: Mutex<Changes>,
    wake: Notify,
    counts: Counts,
    upstream: Upstream,
}

/// Changes to report to the stream service.
#[derive(Default)]
struct Changes {
    renew: HashSet<(StreamId, Viewer)>,
    release: HashSet<(StreamId, Viewer)>,
    /// Sockets that get the viewer count after their own lease was reported.
    waiting: Waiting,
}

impl Viewers {
    pub(super) fn new(upstream: Upstream) -> Self {
        Self {
            presence: Mutex::default(),
            changes: Mutex::default(),
            wake: Notify::new(),
            counts: Counts::default(),
            upstream,
        }
    }

    pub(super) fn enter(&self, stream: StreamId, viewer: &Viewer) {
        lock(&self.presence).enter(stream, viewer);
        lock(&self.changes).renew.insert((stream, viewer.clone()));
        self.wake.notify_one();
    }

    pub(super) fn leave(&self, stream: StreamId, viewer: &Viewer) {
        if lock(&self.presence).leave(stream, viewer) {
            lock(&self.changes).release.insert((stream, viewer.clone()));
            self.wake.notify_one();
        }
    }

    /// Sends the viewer count to a socket that joined, once its own lease has been reported.
    pub(super) fn send_count(&self, stream: StreamId, connection: &Arc<Connection>) {
        let mut changes = lock(&self.changes);
        changes
            .waiting
            .entry(stream)
            .or_default()
            .push(connection.clone());
        drop(changes);
        self.wake.notify_one();
    }

    /// Reports leases under the name of this gateway until the drain has finished, then releases the rest.
    /// Counts are fetched concurrently, so that no lease waits for them.
    pub(crate) async fn run(&self, gateway: String, drain: &Drain) {
        tokio::select! {
            () = self.report(&gateway, drain) => {}
            () = self.counts.run(&self.upstream) => {}
        }
        self.release_all(&gateway).await;
    }

    /// Ends between two calls, so that no renewal follows the last release.
    async fn report(&self, gateway: &str, drain: &Drain) {
        let mut tick = interval(RENEW_PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = drain.finished() => return,
                _ = tick.tick() => {
                    let all = lock(&self.presence).leases();
                    self.renew(gateway, all).await;
                }
                () = self.wake.notified() => {
                    tokio::time::sleep(GATHER).await;
                    self.report_changes(gateway).await;
                }
            }
        }
    }

    async fn report_changes(&self, gateway: &str) {
        let changes = std::mem::take(&mut *lock(&self.changes));
        let (renew, release) = {
            let presence = lock(&self.presence);
            let lease = |(stream, viewer): &(StreamId, Viewer)| presence.lease(*stream, viewer);
            let renew: Vec<Lease> = changes.renew.iter().filter_map(lease).collect();
            // A viewer who left and came back is present.
            let absent = changes.release.into_iter().filter(|left| lease(left).is_none());
            (renew, absent.map(released).collect::<Vec<_>>())
        };
        self.release(gateway, release).await;
        self.renew(gateway, renew).await;
        self.counts.request(changes.waiting);
    }

    /// Releases the leases of sockets that were too slow to close, and of viewers who left just now.
    async fn release_all(&self, gateway: &str) {
        let mut leases = lock(&self.presence).leases();
        let changes = std::mem::take(&mut *lock(&self.changes));
        leases.extend(changes.release.into_iter().map(released));
        self.release(gateway, leases).await;
    }

    async fn renew(&self, gateway: &str, leases: Vec<Lease>) {
        in_chunks(&leases, "renew", |leases, context| async move {
            let gateway = gateway.to_owned();
            self.upstream.renew_viewers(gateway, leases, &context).await
        })
        .await;
    }

    /// A lease whose release fails expires.
    async fn release(&self, gateway: &str, leases: Vec<Lease>) {
        in_chunks(&leases, "release", |leases, context| async move {
            let gateway = gateway.to_owned();
            self.upstream.release_viewers(gateway, leases, &context).await
        })
        .await;
    }
}

/// Returns the lease of a viewer who left.
fn released((stream, viewer): (StreamId, Viewer)) -> Lease {
    Lease {
        stream,
        viewer,
        connections: 0,
    }
}

/// Makes one call per chunk of leases, several at once.
async fn in_chunks<F>(leases: &[Lease], action: &str, call: impl Fn(Vec<ViewerLease>, CallContext) -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    let chunks: Vec<_> = leases.chunks(LEASES_PER_CALL).map(messages).collect();
    futures::stream::iter(chunks)
        .for_each_concurrent(CONCURRENT_CALLS, |chunk| async {
            let count = chunk.len();
            if let Err(error) = call(chunk, CallContext::background(CALL_TIMEOUT)).await {
                tracing::warn!(%error, action, leases = count, "cannot report viewer leases");
            }
        })
        .await;
}

fn messages(leases: &[Lease]) -> Vec<ViewerLease> {
    let message = |lease: &Lease| ViewerLease {
        stream_id: lease.stream.0,
        viewer: lease.viewer.lease_name(),
        connections: lease.connections,
    };
    leases.iter().map(message).collect()
}
