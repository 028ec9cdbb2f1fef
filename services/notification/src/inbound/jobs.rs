//! The worker: takes jobs while it has capacity, and waits for the queue's marker otherwise.
//!
//! Each wait ends within a second whatever happens to the marker, so a waiting job starts within that time,
//! even after a restart of this process or of Redis.

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

use crate::app::App;
use crate::domain::{FanoutState, FollowerPage, Step};
use crate::error::{Error, Result};
use crate::outbound::{auth, push};
use crate::store::fanouts::upkeep::fanout_failed;
use crate::store::fanouts::{StoredFanout, fanout_get, fanout_write_page};
use crate::store::jobs::{InvalidJob, PageJob};
use crate::store::queue::{LOCK_TTL, TakenJob};

/// The longest wait for the marker.
const MARKER_TIMEOUT: Duration = Duration::from_secs(1);
/// The delay after Redis failed.
const RETRY_DELAY: Duration = Duration::from_millis(300);
/// Attempts within one run of a job, for failures that pass quickly.
const MAX_ATTEMPTS: u32 = 3;
const FIRST_ATTEMPT_DELAY: Duration = Duration::from_millis(100);

/// Processes jobs until the shutdown, then finishes the running ones.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let workers = Arc::new(Semaphore::new(usize::from(app.config.jobs.job_concurrency)));
    let running = TaskTracker::new();
    let mut unavailable = false;
    while !shutdown.is_cancelled() {
        let Some(Ok(worker)) = shutdown
            .run_until_cancelled(workers.clone().acquire_owned())
            .await
        else {
            break;
        };
        match next_job(&app).await {
            Ok(Some(taken)) => {
                let app = app.clone();
                running.spawn(async move {
                    process(&app, taken).await;
                    drop(worker);
                });
                unavailable = false;
            }
            Ok(None) => unavailable = false,
            Err(error) => {
                // One warning per outage.
                if !std::mem::replace(&mut unavailable, true) {
                    tracing::warn!(%error, "job queue unavailable, retrying");
                }
                shutdown.run_until_cancelled(sleep(RETRY_DELAY)).await;
            }
        }
    }
    running.close();
    running.wait().await;
}

/// Takes a job, or waits until one may be available. Runs to its end even during a shutdown: a marker that
/// was consumed and then dropped would delay another worker by its whole wait.
async fn next_job(app: &App) -> Result<Option<TakenJob>> {
    if let Some(taken) = app.queue.take(app.clock.now()).await? {
        return Ok(Some(taken));
    }
    app.queue.wait(MARKER_TIMEOUT, app.clock.now()).await?;
    Ok(None)
}

/// Why a job failed.
enum JobError {
    /// It can never succeed.
    Invalid(InvalidJob),
    /// It may succeed later.
    Failed(Error),
}

impl From<InvalidJob> for JobError {
    fn from(invalid: InvalidJob) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Runs a job and reports its outcome to the queue.
async fn process(app: &App, taken: TakenJob) {
    let outcome = {
        let lost = renew_lock(app, &taken);
        tokio::select! {
            outcome = run_job(app, &taken) => outcome,
            () = lost => return,
        }
    };
    let (label, reported) = match outcome {
        Ok(notified) => (
            "completed",
            app.queue.complete(taken, json!({ "notified": notified })).await,
        ),
        Err(JobError::Invalid(invalid)) => {
            tracing::warn!(job = taken.id(), reason = %invalid, "job rejected");
            ("refused", app.queue.fail(taken, &invalid.to_string()).await)
        }
        Err(JobError::Failed(error)) => {
            tracing::warn!(job = taken.id(), %error, "job failed");
            ("failed", app.queue.fail(taken, &error.to_string()).await)
        }
    };
    counter!("notification_jobs_total", "outcome" => label).increment(1);
    if let Err(error) = reported {
        // The row is the source of truth; the queue catches up when the job runs again.
        tracing::warn!(%error, "job outcome not reported to the queue");
    }
}

/// Renews the job's lock. Ends once another worker has the job.
async fn renew_lock(app: &App, taken: &TakenJob) {
    let mut ticks = interval(LOCK_TTL / 3);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // An error is ignored: while Redis is down, no other worker can take the job either.
        if matches!(app.queue.renew(taken).await, Ok(false)) {
            tracing::warn!(job = taken.id(), "job lost to another worker");
            return;
        }
    }
}

async fn run_job(app: &App, taken: &TakenJob) -> Result<usize, JobError> {
    let job = PageJob::parse(taken.name(), taken.data())?;
    let stored = fanout_get(&app.database, job.data.fanout_id)
        .await?
        .ok_or(InvalidJob::UnknownFanout(job.data.fanout_id))?;
    job.check_fanout(&stored.fanout)?;
    let span = info_span!("fan-out page", otel.kind = "consumer", job = taken.id(), kind = %job.kind);
    proto::trace::continue_from(&span, &stored.trace);
    run_page(app, &stored, job.data.after_follower_id)
        .instrument(span)
        .await
        .map_err(JobError::Failed)
}

/// Processes a page with a few quick retries, and records a failure in the fan-out's row.
async fn run_page(app: &App, stored: &StoredFanout, after: i64) -> Result<usize> {
    let mut attempt = 1;
    loop {
        match notify_page(app, stored, after).await {
            Err(error) if attempt < MAX_ATTEMPTS => {
                tracing::debug!(%error, attempt, "page not written, retrying");
                sleep(FIRST_ATTEMPT_DELAY * attempt).await;
                attempt += 1;
            }
            Err(error) => {
                let (id, reason, now) = (stored.fanout.id, error.to_string(), app.clock.now());
                if let Err(error) = fanout_failed(&app.database, id, after, &reason, now).await {
                    tracing::warn!(%error, "failed page not recorded");
                }
                return Err(error);
            }
            done => return done,
        }
    }
}

/// Fetches, writes and pushes one page, then adds the job of the next one. Returns how many users were
/// notified.
async fn notify_page(app: &App, stored: &StoredFanout, after: i64) -> Result<usize> {
    let fanout = &stored.fanout;
    let page = match fanout.step(after) {
        Step::FetchFollowers => {
            auth::follower_page(&app.auth, fanout.user, after, app.config.jobs.fanout_page_size).await?
        }
        Step::NotifyUser => FollowerPage {
            users: vec![fanout.user],
            has_more: false,
        },
        Step::AlreadyWritten { after } => {
            enqueue_page(app, stored, after).await;
            return Ok(0);
        }
        Step::Ended => return Ok(0),
    };
    let now = app.clock.now();
    let Some(outcome) = fanout_write_page(&app.database, fanout.id, after, page, now).await? else {
        return Ok(0);
    };
    push::users_notified(&app.realtime, stored, &outcome.created, now);
    counter!("notification_notified_total", "kind" => fanout.kind.as_str())
        .increment(u64::try_from(outcome.created.len()).unwrap_or(0));
    if let Ok(delay) = (now - stored.occurred_at).to_std() {
        histogram!("notification_page_delay_seconds").record(delay.as_secs_f64());
    }
    if let FanoutState::Running { after } = outcome.state {
        enqueue_page(app, stored, after).await;
    }
    Ok(outcome.created.len())
}

/// Adds the job of the page after a follower. A failure is only logged: the fan-out's row is committed, and
/// the reconciler adds the job.
pub(super) async fn enqueue_page(app: &App, stored: &StoredFanout, after: i64) {
    if let Err(error) = app.queue.add(&PageJob::new(&stored.fanout, after)).await {
        tracing::warn!(fanout = stored.fanout.id, %error, "job not added, leaving it to the reconciler");
    }
}
