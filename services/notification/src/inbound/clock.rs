//! Periodic tasks. Each is idempotent, takes no argument, and may run on several replicas at once.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use metrics::counter;
use runtime::Shutdown;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::domain::FanoutState;
use crate::error::Result;
use crate::store::fanouts::upkeep::{fanouts_due, fanouts_prune};
use crate::store::jobs::PageJob;
use crate::store::notifications::notifications_prune;
use crate::store::purges::{purge_batch, purges_prune, purges_unfinished};

const RECONCILE_INTERVAL: Duration = Duration::from_secs(1);
const PRUNE_INTERVAL: Duration = Duration::from_secs(600);
/// How often to check for deleted accounts when no event wakes the task.
const PURGE_INTERVAL: Duration = Duration::from_secs(30);
/// Fan-outs per reconciliation.
const MAX_FANOUTS: i64 = 200;
/// Accounts per purge.
const MAX_ACCOUNTS: i64 = 20;
/// Fan-outs are kept this long after their creation, so that a late repeat of their occasion is recognised.
const FANOUT_RETENTION: TimeDelta = TimeDelta::days(30);
/// Purges are kept this long after their end; no event about the account arrives later.
const PURGE_RETENTION: TimeDelta = TimeDelta::days(30);

/// Starts the tasks.
pub(crate) fn start(app: &Arc<App>, shutdown: &Shutdown) {
    let reconciled = app.clone();
    shutdown.every("reconciler", RECONCILE_INTERVAL, move || {
        reconcile(reconciled.clone())
    });
    let (pruned, stop) = (app.clone(), shutdown.soft_token());
    shutdown.every("pruning", PRUNE_INTERVAL, move || {
        prune(pruned.clone(), stop.clone())
    });
    shutdown.spawn_essential("purge", purge(app.clone(), shutdown.soft_token()));
}

/// Adds jobs again that Redis lost, and requeues those whose worker died.
async fn reconcile(app: Arc<App>) -> Result<()> {
    let now = app.clock.now();
    let stalled = app.queue.requeue_stalled(now).await?;
    if stalled > 0 {
        tracing::warn!(stalled, "requeued jobs whose worker died");
    }
    let abandon_before = now - TimeDelta::hours(app.config.jobs.fanout_give_up_hours.into());
    for stored in fanouts_due(&app.database, MAX_FANOUTS, abandon_before, now).await? {
        let FanoutState::Running { after } = stored.fanout.state else {
            continue;
        };
        if app.queue.revive(&PageJob::new(&stored.fanout, after)).await? {
            counter!("notification_jobs_revived_total").increment(1);
            tracing::info!(fanout = stored.fanout.id, after, "job added again");
        }
    }
    Ok(())
}

/// Removes the rows of deleted accounts.
async fn purge(app: Arc<App>, shutdown: CancellationToken) {
    let mut ticks = interval(PURGE_INTERVAL);
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
            tracing::warn!(%error, "purge failed, retrying");
        }
    }
}

async fn purge_once(app: &App, shutdown: &CancellationToken) -> Result<()> {
    for user in purges_unfinished(&app.database, MAX_ACCOUNTS).await? {
        while !shutdown.is_cancelled() && !purge_batch(&app.database, user, app.clock.now()).await? {}
    }
    Ok(())
}

/// Removes old notifications, fan-outs, purges and finished jobs.
async fn prune(app: Arc<App>, stop: CancellationToken) -> Result<()> {
    let now = app.clock.now();
    let retention = TimeDelta::days(app.config.notification_retention_days.into());
    while !stop.is_cancelled() && notifications_prune(&app.database, now - retention).await? > 0 {}
    while !stop.is_cancelled() && fanouts_prune(&app.database, now - FANOUT_RETENTION).await? > 0 {}
    purges_prune(&app.database, now - PURGE_RETENTION).await?;
    app.queue.clean().await
}
