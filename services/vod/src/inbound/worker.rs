//! Takes the node's jobs that are due and works on some of them at once.

mod attempt;

use std::sync::Arc;
use std::time::Duration;

use runtime::Shutdown;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::app::Worker;
use crate::store::recordings::{CHANNEL, Job, recording_claim};

pub use attempt::attempt;

/// How long a job may wait when its notification was lost, and how soon a pause that is over is noticed.
const POLL: Duration = Duration::from_secs(1);

/// Works until told to stop, then lets go of what it has.
pub async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let wakeups = storage::listen(&worker.app.database, CHANNEL);
    let slots = Arc::new(Semaphore::new(usize::from(worker.config.workers)));
    let running = TaskTracker::new();
    let soft = shutdown.soft_token();
    let take = async {
        while let Ok(slot) = slots.clone().acquire_owned().await {
            let Some(job) = next(&worker).await else {
                drop(slot);
                tokio::select! {
                    () = wakeups.notified() => {}
                    () = sleep(POLL) => {}
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

async fn next(worker: &Worker) -> Option<Job> {
    let app = &worker.app;
    let claimed = recording_claim(
        &app.database,
        &app.bucket,
        &worker.node,
        app.clock.now(),
        worker.rules,
    )
    .await;
    claimed.unwrap_or_else(|error| {
        tracing::warn!(node = worker.node, %error, "no job taken, trying again");
        None
    })
}
