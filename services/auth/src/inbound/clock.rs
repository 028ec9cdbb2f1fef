//! Periodic tasks. Each is idempotent, takes no argument, and may run on several replicas at once.

use std::sync::Arc;
use std::time::Duration;

use primitives::Clock;
use runtime::Shutdown;

use crate::app::App;
use crate::error::Result;
use crate::store::Store;

const PRUNE_PERIOD: Duration = Duration::from_secs(60);
/// Batches per round, so that a large backlog does not keep the task busy forever.
const MAX_BATCHES: u32 = 100;

/// Starts the tasks.
pub(crate) fn start(app: &Arc<App>, shutdown: &Shutdown) {
    let app = app.clone();
    shutdown.every("pruning", PRUNE_PERIOD, move || {
        let app = app.clone();
        async move { prune(&app.store, &app.clock).await.map(drop) }
    });
}

/// Removes expired revocations and refresh tokens, and returns how many.
pub async fn prune(store: &Store, clock: &Clock) -> Result<usize> {
    let mut removed = 0;
    for _ in 0..MAX_BATCHES {
        let now = clock.now();
        let batch = store.revocations_prune(now).await? + store.refresh_tokens_prune(now).await?;
        removed += batch;
        if batch == 0 {
            break;
        }
    }
    Ok(removed)
}
