//! What is done from time to time. Each task takes no argument, may run on every replica at once, and may be
//! skipped.

use std::time::Duration;

use primitives::Clock;
use tokio::time::{Instant, interval_at};

use crate::error::Result;
use crate::store::Store;

/// Between two rounds of removing what has expired.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Rounds of one task, so that a large backlog does not keep it for ever.
const MAX_STEPS: u32 = 100;

/// Removes expired rows once a minute. Replicas start at different moments of it.
pub async fn keep_pruned(store: Store, clock: Clock) {
    let first = PRUNE_EVERY.mul_f64(rand::random_range(0.1..1.0));
    let mut rounds = interval_at(Instant::now() + first, PRUNE_EVERY);
    loop {
        rounds.tick().await;
        match prune(&store, &clock).await {
            Ok(removed) => tracing::debug!(removed, "expired rows removed"),
            Err(error) => tracing::warn!(%error, "expired rows stay a while"),
        }
    }
}

/// Removes the rows of revocations and refresh tokens that have expired; answers how many.
///
/// # Errors
/// What the database says.
pub async fn prune(store: &Store, clock: &Clock) -> Result<usize> {
    let mut removed = 0;
    for _ in 0..MAX_STEPS {
        let now = clock.now();
        let step = store.revocations_prune(now).await? + store.refresh_tokens_prune(now).await?;
        removed += step;
        if step == 0 {
            break;
        }
    }
    Ok(removed)
}
