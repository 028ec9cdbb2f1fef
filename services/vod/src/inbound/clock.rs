//! Periodic tasks. Every replica may run them concurrently. Retries and expired leases of jobs need no task,
//! because workers claim such jobs themselves.

use std::sync::Arc;
use std::time::Duration;

use storage::{AsyncPgConnection, Leadership};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::app::Serving;
use crate::error::Result;
use crate::outbound::peers;
use crate::store::copies::{category_upsert, owners_upsert};
use crate::store::search::search_write;

/// Repairs copies after an event has become a dead letter.
const REFRESH_INTERVAL: Duration = Duration::from_secs(3600);
const REFRESH_RETRY_DELAY: Duration = Duration::from_secs(5);
/// Between checks of the leadership. Shorter than the time after which a silent leader is replaced.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Writes missing search texts until `shutdown` is cancelled.
pub async fn write_search(serving: Arc<Serving>, shutdown: CancellationToken) {
    let mut ticks = interval(Duration::from_millis(serving.config.clock_milliseconds));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        loop {
            match search_write(&serving.app.database).await {
                Ok(0) => break,
                Ok(written) => tracing::debug!(written, "search texts written"),
                Err(error) => {
                    tracing::warn!(%error, "search texts not written, will retry");
                    break;
                }
            }
        }
    }
}

/// Refreshes the copies of names and categories at the start and every hour, in one replica, until `shutdown`
/// is cancelled.
pub async fn fill_copies(serving: Arc<Serving>, shutdown: CancellationToken) {
    let mut leadership = Leadership::new(&serving.app.database, "vod.copies");
    let work = async {
        loop {
            if !leadership.is_leader().await {
                sleep(POLL_INTERVAL).await;
                continue;
            }
            match fill(&serving).await {
                Ok(()) => wait_as_leader(&mut leadership).await,
                Err(error) => {
                    tracing::warn!(%error, "copies not refreshed, will retry");
                    sleep(REFRESH_RETRY_DELAY).await;
                }
            }
        }
    };
    let _ = shutdown.run_until_cancelled(work).await;
    leadership.resign().await;
}

/// Returns after an hour, or when another replica becomes the leader.
async fn wait_as_leader(leadership: &mut Leadership) {
    let rounds = REFRESH_INTERVAL.as_secs() / POLL_INTERVAL.as_secs();
    for _ in 0..rounds {
        sleep(POLL_INTERVAL).await;
        if !leadership.is_leader().await {
            return;
        }
    }
}

/// Copies all names and categories from auth and stream. Rows with a newer version stay.
pub async fn fill(serving: &Serving) -> Result<()> {
    let categories = peers::categories(&serving.app.stream).await?;
    serving
        .app
        .database
        .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
            for category in &categories {
                category_upsert(conn, category).await?;
            }
            Ok(())
        })
        .await?;
    let mut after = 0;
    loop {
        let owners = peers::owners_after(&serving.auth, after).await?;
        let Some(last) = owners.last().map(|owner| owner.id).filter(|last| *last > after) else {
            return Ok(());
        };
        after = last;
        serving
            .app
            .database
            .transaction(async move |conn: &mut AsyncPgConnection| owners_upsert(conn, &owners).await)
            .await?;
    }
}
