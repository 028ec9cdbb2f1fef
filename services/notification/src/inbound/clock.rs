//! Periodic work. Each piece is safe to do twice and at once on several replicas, and takes no argument.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use metrics::counter;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::domain::State;
use crate::error::Result;
use crate::store::fanouts::upkeep::{fanouts_due, fanouts_prune};
use crate::store::jobs::PageJob;
use crate::store::notifications::notifications_prune;
use crate::store::purges::{purge_step, purges_open, purges_prune};

/// Between two looks for fan-outs without a job and for jobs without a worker.
const RECONCILE: Duration = Duration::from_secs(1);
/// Between two rounds of removing what is old.
const PRUNE: Duration = Duration::from_secs(600);
/// Between two looks for accounts that went, when nobody says that one did.
const PURGE: Duration = Duration::from_secs(30);
/// Fan-outs that one look takes up.
const FANOUTS: i64 = 200;
/// Accounts that one look takes up.
const ACCOUNTS: i64 = 20;
/// Fan-outs are kept this long after their begin, so that a late repeat of their occasion is known.
const KEEP_FANOUTS: TimeDelta = TimeDelta::days(30);
/// Accounts are remembered this long after their things were removed; no event is on its way for longer.
const KEEP_PURGES: TimeDelta = TimeDelta::days(30);

/// Adds jobs again that Redis forgot, and gives back those whose worker died.
pub async fn reconcile(app: Arc<App>, shutdown: CancellationToken) {
    let mut ticks = interval(RECONCILE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = reconcile_once(&app).await {
            tracing::debug!(%error, "not reconciled, trying again");
        }
    }
}

async fn reconcile_once(app: &App) -> Result<()> {
    let stalled = app.queue.requeue_stalled().await?;
    if stalled > 0 {
        tracing::warn!(stalled, "jobs lost their worker");
    }
    let now = app.clock.now();
    let give_up = now - TimeDelta::hours(app.config.jobs.fanout_give_up_hours.into());
    for stored in fanouts_due(&app.database, FANOUTS, give_up, now).await? {
        let State::Running { after } = stored.fanout.state else {
            continue;
        };
        if app.queue.revive(&PageJob::new(&stored.fanout, after)).await? {
            counter!("notification_jobs_revived_total").increment(1);
            tracing::info!(fanout = stored.fanout.id, after, "job added again");
        }
    }
    Ok(())
}

/// Removes what belongs to accounts that went.
pub async fn purge(app: Arc<App>, shutdown: CancellationToken) {
    let mut ticks = interval(PURGE);
    loop {
        let woken = async {
            tokio::select! {
                _ = ticks.tick() => {}
                () = app.purges.notified() => {}
            }
        };
        if shutdown.run_until_cancelled(woken).await.is_none() {
            return;
        }
        if let Err(error) = purge_once(&app, &shutdown).await {
            tracing::warn!(%error, "accounts not purged, trying again");
        }
    }
}

async fn purge_once(app: &App, shutdown: &CancellationToken) -> Result<()> {
    for user in purges_open(&app.database, ACCOUNTS).await? {
        while !shutdown.is_cancelled() && !purge_step(&app.database, user, app.clock.now()).await? {}
    }
    Ok(())
}

/// Removes what is old: notifications, fan-outs, finished jobs.
pub async fn prune(app: Arc<App>, shutdown: CancellationToken) {
    let mut ticks = interval(PRUNE);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = prune_once(&app, &shutdown).await {
            tracing::warn!(%error, "not pruned, trying again later");
        }
    }
}

async fn prune_once(app: &App, shutdown: &CancellationToken) -> Result<()> {
    let now = app.clock.now();
    let kept = TimeDelta::days(app.config.notification_retention_days.into());
    while !shutdown.is_cancelled() && notifications_prune(&app.database, now - kept).await? > 0 {}
    while !shutdown.is_cancelled() && fanouts_prune(&app.database, now - KEEP_FANOUTS).await? > 0 {}
    purges_prune(&app.database, now - KEEP_PURGES).await?;
    app.queue.clean().await
}
