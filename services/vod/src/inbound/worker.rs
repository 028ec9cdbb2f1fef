//! Claims due jobs and processes several at a time.

mod attempt;

use std::sync::Arc;
use std::time::Duration;

use runtime::Shutdown;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::app::Worker;
use crate::store::recordings::{ClaimedJob, NOTIFY_CHANNEL, recording_claim};

pub use attempt::attempt;

/// Finds jobs whose notification was lost or whose retry is due.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Processes jobs until shutdown, and then ends the running attempts.
pub async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let wakeups = storage::listen(&worker.app.database, NOTIFY_CHANNEL);
    let slots = Arc::new(Semaphore::new(usize::from(worker.config.workers)));
    let running = TaskTracker::new();
    let soft = shutdown.soft_token();
    let take = async {
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let Some(job) = next(&worker).await else {
                drop(slot);
                tokio::select! {
                    () = wakeups.notified() => {}
                    () = sleep(POLL_INTERVAL) => {}
                }
                continue;
            };
            let (worker, shutdown) = (worker.clone(), shutdown.clone());
            running.spawn(async move {
                tokio::select! {
                    () = attempt(&worker, job, &shutdown) => {}
                    () = shutdown.aborting() => {}
                }
                drop(slot);
            });
        }
    };
    let _ = soft.run_until_cancelled(take).await;
    running.close();
    running.wait().await;
}

async fn next(worker: &Worker) -> Option<ClaimedJob> {
    let app = &worker.app;
    let claimed = recording_claim(
        &app.database,
        &app.bucket,
        &worker.node,
        app.clock.now(),
        worker.policy,
    )
    .await;
    claimed.unwrap_or_else(|error| {
        tracing::warn!(node = worker.node, %error, "no job claimed, will retry");
        None
    })
}
