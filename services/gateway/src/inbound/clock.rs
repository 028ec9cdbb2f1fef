//! What the clock says: periodic, idempotent tasks.

use std::sync::Arc;
use std::time::Duration;

use runtime::Shutdown;
use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::hub::Hub;
use crate::outbound::views::Views;

/// A message that was stored but never announced arrives within this time.
const HEADS_EVERY: Duration = Duration::from_secs(2);
const VIEWS_EVERY: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Starts the periodic tasks.
pub(crate) fn start(hub: &Arc<Hub>, views: &Arc<Views>, shutdown: &Shutdown) {
    let gateway = Uuid::new_v4().simple().to_string();
    shutdown.spawn_essential("viewer leases", hub.clone().keep_leases(gateway));
    let (heads, stop) = (hub.clone(), shutdown.clone());
    shutdown.spawn_essential("chat heads", async move {
        let mut ticks = ticks(HEADS_EVERY);
        while next(&mut ticks, &stop).await {
            heads.poll_heads().await;
        }
    });
    let (views, stop) = (views.clone(), shutdown.clone());
    shutdown.spawn_essential("views", async move {
        let mut ticks = ticks(VIEWS_EVERY);
        while next(&mut ticks, &stop).await {
            views.report().await;
        }
        // Those of the last second.
        views.report().await;
    });
    let (sockets, stop) = (hub.clone(), shutdown.clone());
    shutdown.spawn_essential("socket sweep", async move {
        let mut ticks = ticks(SWEEP_EVERY);
        while next(&mut ticks, &stop).await {
            sockets.sweep();
        }
    });
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next tick; false when a stop comes first.
async fn next(ticks: &mut Interval, stop: &Shutdown) -> bool {
    stop.run_until_stopped(ticks.tick()).await.is_some()
}
