//! Who watches, told to the stream service: a lease for each viewer, renewed while a socket is there.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::StreamId;
use proto::CallContext;
use proto::stream::v1::{GetRoomRequest, ReleaseViewersRequest, RenewViewersRequest, ViewerLease};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use crate::domain::presence::{Lease, Viewer};
use crate::hub::connection::Connection;
use crate::hub::event::ViewerCountUpdated;
use crate::hub::{Hub, lock};
use crate::outbound::peers::Answer;

/// A lease lives 15 s: two renewals may be lost.
const RENEW_EVERY: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(3);
/// Those who come together are told together.
const GATHER: Duration = Duration::from_millis(10);
/// Leases in one call.
const BATCH: usize = 1000;

/// What has changed since the stream service was last told.
#[derive(Default)]
pub(super) struct Leases {
    changed: Mutex<Changed>,
    wake: Notify,
}

#[derive(Default)]
struct Changed {
    renew: HashSet<(StreamId, Viewer)>,
    release: HashSet<(StreamId, Viewer)>,
    /// Those who have just come and want to know how many are there.
    curious: HashMap<StreamId, Vec<Arc<Connection>>>,
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
}

impl Hub {
    /// Keeps the leases for as long as the process lives.
    pub(crate) async fn keep_leases(self: Arc<Self>, gateway: String) {
        let mut tick = interval(RENEW_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    let all = lock(&self.presence).leases();
                    self.renew(&gateway, all).await;
                }
                () = self.leases.wake.notified() => {
                    tokio::time::sleep(GATHER).await;
                    self.tell_changes(&gateway).await;
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
            let gone = gone.map(|(stream, viewer)| Lease {
                stream,
                viewer,
                connections: 0,
            });
            (renew, gone.collect::<Vec<_>>())
        };
        self.release(gateway, release).await;
        self.renew(gateway, renew).await;
        for (stream, connections) in changed.curious {
            self.tell_count(stream, &connections).await;
        }
    }

    async fn renew(&self, gateway: &str, leases: Vec<Lease>) {
        for some in leases.chunks(BATCH) {
            let request = RenewViewersRequest {
                gateway: gateway.to_owned(),
                leases: shape(some),
            };
            let context = CallContext::background(TIMEOUT);
            if let Err(error) = self.peers.stream(&context).renew_viewers(request).await.answer() {
                tracing::warn!(%error, leases = some.len(), "viewer leases could not be renewed");
            }
        }
    }

    /// A release that fails is made up for by the lease's end.
    async fn release(&self, gateway: &str, leases: Vec<Lease>) {
        for some in leases.chunks(BATCH) {
            let request = ReleaseViewersRequest {
                gateway: gateway.to_owned(),
                leases: shape(some),
            };
            let context = CallContext::background(TIMEOUT);
            if let Err(error) = self
                .peers
                .stream(&context)
                .release_viewers(request)
                .await
                .answer()
            {
                tracing::debug!(%error, leases = some.len(), "viewer leases could not be released");
            }
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

fn shape(leases: &[Lease]) -> Vec<ViewerLease> {
    let lease = |lease: &Lease| ViewerLease {
        stream_id: lease.stream.0,
        viewer: lease.viewer.lease_name(),
        connections: lease.connections,
    };
    leases.iter().map(lease).collect()
}
