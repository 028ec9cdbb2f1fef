//! Views of VODs by guests, whose answers may come from the cache: collected here and reported to the VOD
//! service once a second.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use primitives::VodId;
use proto::CallContext;
use proto::vod::v1::{CountViewsRequest, GuestView};

use crate::outbound::peers::{Answer, Peers};

const TIMEOUT: Duration = Duration::from_secs(3);
/// Views in one call.
const BATCH: usize = 1000;
/// Views that wait while the VOD service is unavailable; further views are not counted.
const MAX_WAITING: usize = 50_000;

type View = (VodId, IpAddr);

/// Views to report.
pub(crate) struct Views {
    peers: Peers,
    waiting: Mutex<HashSet<View>>,
}

impl Views {
    pub(crate) fn new(peers: Peers) -> Self {
        Self {
            peers,
            waiting: Mutex::default(),
        }
    }

    /// Records a view.
    pub(crate) fn record(&self, vod: VodId, viewer: IpAddr) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_WAITING {
            waiting.insert((vod, viewer));
        }
    }

    /// Reports the recorded views. Those that cannot be reported are kept; reporting a view twice counts it
    /// once.
    pub(crate) async fn report(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let views: Vec<View> = waiting.into_iter().collect();
        for batch in views.chunks(BATCH) {
            let seen = batch.iter().map(|(vod, viewer)| GuestView {
                vod_id: vod.0,
                client_address: viewer.to_string(),
            });
            let request = CountViewsRequest { seen: seen.collect() };
            let context = CallContext::background(TIMEOUT);
            let counted = self.peers.vod(&context).count_views(request).await.answer();
            if let Err(error) = counted {
                tracing::warn!(%error, views = batch.len(), "cannot report views");
                batch.iter().for_each(|(vod, viewer)| self.record(*vod, *viewer));
            }
        }
    }
}
