//! What the clock says: periodic, idempotent tasks.

use std::sync::Arc;
use std::time::Duration;

use runtime::Shutdown;
use tokio::time::{MissedTickBehavior, interval};
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
    let (leases, stop) = (hub.clone(), shutdown.clone());
    shutdown.spawn_essential("viewer leases", async move {
        tokio::select! {
            () = leases.keep_leases(gateway) => {}
            () = stop.stopping() => {}
        }
    });
    let (heads, stop) = (hub.clone(), shutdown.clone());
    shutdown.spawn_essential("chat heads", async move {
        let mut tick = interval(HEADS_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_stopping() {
            tokio::select! {
                _ = tick.tick() => heads.poll_heads().await,
                () = stop.stopping() => {}
            }
        }
    });
    let (views, stop) = (views.clone(), shutdown.clone());
    shutdown.spawn_essential("views", async move {
        let mut tick = interval(VIEWS_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_stopping() {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.stopping() => {}
            }
            views.tell().await;
        }
    });
    let (sockets, stop) = (hub.clone(), shutdown.clone());
    shutdown.spawn_essential("socket sweep", async move {
        let mut tick = interval(SWEEP_EVERY);
        while !stop.is_stopping() {
            tokio::select! {
                _ = tick.tick() => sockets.sweep(),
                () = stop.stopping() => {}
            }
        }
    });
}
