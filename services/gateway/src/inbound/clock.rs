//! Periodic tasks, all idempotent.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use runtime::Shutdown;
use tokio::time::interval;
use uuid::Uuid;

use crate::hub::Hub;
use crate::outbound::views::Views;

/// A message whose announcement was lost is delivered within this time.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
const VIEWS_INTERVAL: Duration = Duration::from_secs(1);
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

pub(crate) fn start(hub: &Arc<Hub>, views: &Arc<Views>, shutdown: &Shutdown) {
    let gateway = Uuid::new_v4().simple().to_string();
    let leases = hub.clone();
    shutdown.spawn_essential("viewer leases", async move {
        leases.viewers.run(gateway, &leases.drain).await;
    });
    let rooms = hub.clone();
    shutdown.every("latest sequence numbers", POLL_INTERVAL, move || {
        let rooms = rooms.clone();
        async move {
            rooms.repair.poll().await;
            Ok::<_, Infallible>(())
        }
    });
    let (views, stop) = (views.clone(), shutdown.clone());
    shutdown.spawn_essential("views", async move {
        let mut ticks = interval(VIEWS_INTERVAL);
        while stop.run_until_stopped(ticks.tick()).await.is_some() {
            views.report().await;
        }
        // Views since the last report.
        views.report().await;
    });
    let sockets = hub.clone();
    shutdown.every("stale sockets", SWEEP_INTERVAL, move || {
        sockets.remove_stale();
        std::future::ready(Ok::<_, Infallible>(()))
    });
}
