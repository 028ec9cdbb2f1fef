//! Who watches, told to the stream service: a lease for each viewer, renewed while a socket is there.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use primitives::StreamId;
use proto::CallContext;
use proto::stream::v1::{GetRoomRequest, ReleaseViewersRequest, RenewViewersRequest, ViewerLease};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use crate::domain::presence::{Lease, Viewer};
use crate::hub::connection::Connection;
use crate::hub::event::ViewerCountUpdated;
use crate::hub::{Hub, lock};
use crate::outbound::peers::Answer;

/// A lease lives 15 s: two renewals may be lost. Should a renewal come when changes are just being told,
/// which takes two calls, and take as long as it may, then 14 s have passed since the last one.
const RENEW_EVERY: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(3);
/// Those who come together are told together.
const GATHER: Duration = Duration::from_millis(10);
/// Leases in one call, and such calls at once.
const BATCH: usize = 1000;
const CALLS_AT_ONCE: usize = 8;
/// Rooms whose count is asked at once.
const COUNTS_AT_ONCE: usize = 8;

/// Those who have just come and want to know how many are there.
type Curious = HashMap<StreamId, Vec<Arc<Connection>>>;

/// What has changed since the stream service was last told.
#[derive(Default)]
pub(super) struct Leases {
    changed: Mutex<Changed>,
    wake: Notify,
    /// Those whose own leases the stream service has been told by now.
    curious: Mutex<Curious>,
    ask: Notify,
}

#[derive(Default)]
struct Changed {
    renew: HashSet<(StreamId, Viewer)>,
    release: HashSet<(StreamId, Viewer)>,
    curious: Curious,
}

impl Leases {
    pub(super) fn renew_soon(&self, stream: StreamId, viewer: &Viewer) {
        lock(&self.changed).renew.insert((stream, viewer.clone()));
        self.wake.notify_one();
    }

    pub(super) fn release_soon(&self, stream: StreamId, viewer: &Viewer) {
        lock(&self.changed).release.insert((stream, viewer.clone()));
        self.wake.notify_one();
    }

    pub(super) fn tell_count(&self, stream: StreamId, connection: &Arc<Connection>) {
        lock(&self.changed)
            .curious
            .entry(stream)
            .or_default()
            .push(connection.clone());
        self.wake.notify_one();
    }

    fn ask_counts(&self, curious: Curious) {
        let mut asked = lock(&self.curious);
        for (stream, connections) in curious {
            asked.entry(stream).or_default().extend(connections);
        }
        self.ask.notify_one();
    }
}

impl Hub {
    /// Keeps the leases until the last socket has been sent away, and gives back those that are left. Counts
    /// are asked beside that, so that nobody's lease waits for them.
    pub(crate) async fn keep_leases(self: Arc<Self>, gateway: String) {
        tokio::select! {
            () = self.renew_leases(&gateway) => {}
            () = self.tell_counts() => {}
        }
        self.release_all(&gateway).await;
    }

    /// Ends between two calls, so that none of them comes after the last release.
    async fn renew_leases(&self, gateway: &str) {
        let mut tick = interval(RENEW_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.drained() => return,
                _ = tick.tick() => {
                    let all = lock(&self.presence).leases();
                    self.renew(gateway, all).await;
                }
                () = self.leases.wake.notified() => {
                    tokio::time::sleep(GATHER).await;
                    self.tell_changes(gateway).await;
                }
            }
        }
    }

    async fn tell_changes(&self, gateway: &str) {
        let changed = std::mem::take(&mut *lock(&self.leases.changed));
        let (renew, release) = {
            let presence = lock(&self.presence);
            let of = |(stream, viewer): &(StreamId, Viewer)| presence.lease(*stream, viewer);
            let renew: Vec<Lease> = changed.renew.iter().filter_map(of).collect();
            // Who left and came back meanwhile is there.
            let gone = changed.release.into_iter().filter(|left| of(left).is_none());
            (renew, gone.map(left).collect::<Vec<_>>())
        };
        self.release(gateway, release).await;
        self.renew(gateway, renew).await;
        self.leases.ask_counts(changed.curious);
    }

    /// Sockets may still be here that were too slow to go, and those who left may not have been told yet.
    async fn release_all(&self, gateway: &str) {
        let mut leases = lock(&self.presence).leases();
        let changed = std::mem::take(&mut *lock(&self.leases.changed));
        leases.extend(changed.release.into_iter().map(left));
        self.release(gateway, leases).await;
    }

    async fn renew(&self, gateway: &str, leases: Vec<Lease>) {
        in_batches(&leases, |leases| async move {
            let (context, count) = (CallContext::background(TIMEOUT), leases.len());
            let request = RenewViewersRequest {
                gateway: gateway.to_owned(),
                leases,
            };
            let renewed = self.peers.stream(&context).renew_viewers(request).await;
            if let Err(error) = renewed.answer() {
                tracing::warn!(%error, leases = count, "viewer leases could not be renewed");
            }
        })
        .await;
    }

    /// A release that fails is made up for by the lease's end.
    async fn release(&self, gateway: &str, leases: Vec<Lease>) {
        in_batches(&leases, |leases| async move {
            let (context, count) = (CallContext::background(TIMEOUT), leases.len());
            let request = ReleaseViewersRequest {
                gateway: gateway.to_owned(),
                leases,
            };
            let released = self.peers.stream(&context).release_viewers(request).await;
            if let Err(error) = released.answer() {
                tracing::debug!(%error, leases = count, "viewer leases could not be released");
            }
        })
        .await;
    }

    /// Tells the curious how many are there, several rooms at once. A room that more ask about meanwhile is
    /// asked once for all.
    async fn tell_counts(&self) {
        loop {
            self.leases.ask.notified().await;
            let curious = std::mem::take(&mut *lock(&self.leases.curious));
            futures::stream::iter(curious)
                .for_each_concurrent(COUNTS_AT_ONCE, |(stream, connections)| async move {
                    self.tell_count(stream, &connections).await;
                })
                .await;
        }
    }

    /// The count is announced when it changes, and someone who comes in may not change it.
    async fn tell_count(&self, stream: StreamId, connections: &[Arc<Connection>]) {
        let context = CallContext::background(TIMEOUT);
        let request = GetRoomRequest { stream_id: stream.0 };
        match self.peers.stream(&context).get_room(request).await.answer() {
            Ok(room) if room.live && room.viewer_count > 0 => {
                let event = ViewerCountUpdated {
                    stream_id: stream,
                    count: room.viewer_count,
                };
                connections.iter().for_each(|connection| connection.emit(&event));
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "a viewer count could not be asked"),
        }
    }
}

/// The lease of somebody who has left.
fn left((stream, viewer): (StreamId, Viewer)) -> Lease {
    Lease {
        stream,
        viewer,
        connections: 0,
    }
}

/// Makes a call for some leases at a time, several at once.
async fn in_batches<F: Future<Output = ()>>(leases: &[Lease], call: impl Fn(Vec<ViewerLease>) -> F) {
    let batches: Vec<_> = leases.chunks(BATCH).map(shape).collect();
    futures::stream::iter(batches)
        .for_each_concurrent(CALLS_AT_ONCE, call)
        .await;
}

fn shape(leases: &[Lease]) -> Vec<ViewerLease> {
    let lease = |lease: &Lease| ViewerLease {
        stream_id: lease.stream.0,
        viewer: lease.viewer.lease_name(),
        connections: lease.connections,
    };
    leases.iter().map(lease).collect()
}
