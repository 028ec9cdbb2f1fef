//! Search lines that were taken away, written again.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How long a stream may be missing from searches after its owner or category changed, with nothing else to
/// do.
const TICK: Duration = Duration::from_secs(1);

/// Writes what is missing until told to stop. Every replica may run it.
pub async fn write_search(store: Store, stop: CancellationToken) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        loop {
            match store.search_write().await {
                Ok(0) => break,
                Ok(written) => tracing::debug!(written, "search lines written"),
                Err(error) => {
                    tracing::warn!(%error, "search lines not written, trying again");
                    break;
                }
            }
        }
    }
}
