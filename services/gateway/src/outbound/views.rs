//! Views of VODs by guests, whose answers may come from memory: noted here and told to the vod service once a
//! second.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use primitives::VodId;
use proto::CallContext;
use proto::vod::v1::{CountViewsRequest, GuestView};

use crate::outbound::peers::{Answer, Peers};

/// How long the vod service may take to count.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Views in one call.
const BATCH: usize = 1000;
/// Views that wait while the vod service is away; what is beyond is not counted.
const MOST: usize = 50_000;

type View = (VodId, IpAddr);

/// Views that nobody counted yet.
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

    /// A guest looked at a VOD.
    pub(crate) fn note(&self, vod: VodId, viewer: IpAddr) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.insert((vod, viewer));
        }
    }

    /// Has all views counted that were noted until now. Those that cannot be are kept: counting again counts
    /// nobody twice.
    pub(crate) async fn tell(&self) {
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
                tracing::warn!(%error, views = batch.len(), "views wait to be counted");
                batch.iter().for_each(|(vod, viewer)| self.note(*vod, *viewer));
            }
        }
    }
}
