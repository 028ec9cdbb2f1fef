//! Periodic tasks; each may run in every replica at once. Leases and retries of jobs need none: a worker that
//! asks for the next job also gets those whose time has come and those whose worker is silent.

use std::sync::Arc;
use std::time::Duration;

use storage::{AsyncPgConnection, Leadership};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::app::Serving;
use crate::error::Result;
use crate::outbound::peers;
use crate::store::copies::{category_keep, owners_keep};
use crate::store::search::search_write;

/// Between two comparisons of the copies with their originals, for what an event that died would have told.
const COPIES: Duration = Duration::from_secs(3600);
/// Before a comparison that failed is tried again.
const COPIES_RETRY: Duration = Duration::from_secs(5);
/// Before another replica's leadership is looked at again; more often than the silence that ends one.
const LOOK: Duration = Duration::from_secs(5);

/// Writes search lines that were taken away until told to stop.
pub async fn write_search(serving: Arc<Serving>, shutdown: CancellationToken) {
    let mut ticks = interval(Duration::from_millis(serving.config.clock_milliseconds));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        loop {
            match search_write(&serving.app.database).await {
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

/// Fills the copies of names and categories at the start and compares them every hour, in one replica, until
/// told to stop.
pub async fn fill_copies(serving: Arc<Serving>, shutdown: CancellationToken) {
    let mut leadership = Leadership::new(&serving.app.database, "vod.copies");
    let work = async {
        loop {
            if !leadership.is_leader().await {
                sleep(LOOK).await;
                continue;
            }
            match fill(&serving).await {
                Ok(()) => wait_as_leader(&mut leadership).await,
                Err(error) => {
                    tracing::warn!(%error, "copies not filled, trying again");
                    sleep(COPIES_RETRY).await;
                }
            }
        }
    };
    let _ = shutdown.run_until_cancelled(work).await;
    leadership.resign().await;
}

/// Ends after an hour, or when somebody else leads, who fills the copies himself.
async fn wait_as_leader(leadership: &mut Leadership) {
    let rounds = COPIES.as_secs() / LOOK.as_secs();
    for _ in 0..rounds {
        sleep(LOOK).await;
        if !leadership.is_leader().await {
            return;
        }
    }
}

/// Copies what auth and stream know now. Rows that an event has told of since are newer and stay.
///
/// # Errors
/// A peer's or the store's.
pub async fn fill(serving: &Serving) -> Result<()> {
    let categories = peers::categories(&serving.app.stream).await?;
    serving
        .app
        .database
        .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
            for category in &categories {
                category_keep(conn, category).await?;
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
            .transaction(async move |conn: &mut AsyncPgConnection| owners_keep(conn, &owners).await)
            .await?;
    }
}
