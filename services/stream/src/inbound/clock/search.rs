//! Indexes streams whose search line was cleared.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// Searches miss a stream for up to this long after its owner or category has changed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop` is cancelled, on every replica.
pub async fn index_search(store: Store, stop: CancellationToken) {
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        loop {
            match store.search_index_pending().await {
                Ok(0) => break,
                Ok(streams) => tracing::debug!(streams, "search index updated"),
                Err(error) => {
                    tracing::warn!(%error, "failed to update the search index, retrying");
                    break;
                }
            }
        }
    }
}
