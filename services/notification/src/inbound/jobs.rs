//! The worker: takes jobs while it has hands free, and waits for the queue's marker otherwise.
//!
//! Each wait ends within a second whatever happens to the marker, so a job that is there is begun within that
//! time, also after a restart of this process or of Redis.

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
use crate::domain::{Page, State, Step};
use crate::error::{Error, Result};
use crate::outbound::{auth, push};
use crate::store::fanouts::upkeep::fanout_failed;
use crate::store::fanouts::{StoredFanout, fanout_get, fanout_tell};
use crate::store::jobs::{BadJob, PageJob};
use crate::store::queue::{LOCK, TakenJob};

/// The longest wait for a marker.
const WAIT: Duration = Duration::from_secs(1);
/// The pause after Redis did not answer.
const PAUSE: Duration = Duration::from_millis(300);
/// Quick repeats of a job within one run, for what is over in a moment.
const TRIES: u32 = 3;
const FIRST_REST: Duration = Duration::from_millis(100);

/// Works jobs until told to stop, and then finishes those that run.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let hands = Arc::new(Semaphore::new(usize::from(app.config.jobs.job_concurrency)));
    let running = TaskTracker::new();
    let mut away = false;
    while !shutdown.is_cancelled() {
        let Some(Ok(hand)) = shutdown.run_until_cancelled(hands.clone().acquire_owned()).await else {
            break;
        };
        match next(&app).await {
            Ok(Some(taken)) => {
                let app = app.clone();
                running.spawn(async move {
                    work(&app, taken).await;
                    drop(hand);
                });
                away = false;
            }
            Ok(None) => away = false,
            Err(error) => {
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(%error, "the job queue is away, trying again");
                }
                shutdown.run_until_cancelled(sleep(PAUSE)).await;
            }
        }
    }
    running.close();
    running.wait().await;
}

/// Takes a job, or waits until there may be one. Not cut short by a stop: a marker that was taken and not
/// acted on would cost another worker its wait.
async fn next(app: &App) -> Result<Option<TakenJob>> {
    if let Some(taken) = app.queue.take().await? {
        return Ok(Some(taken));
    }
    app.queue.wait(WAIT, app.clock.now().timestamp_millis()).await?;
    Ok(None)
}

/// Why a job did not come to its end.
enum Unworked {
    /// It never will.
    Bad(BadJob),
    /// It may later.
    Failed(Error),
}

impl From<BadJob> for Unworked {
    fn from(bad: BadJob) -> Self {
        Self::Bad(bad)
    }
}

impl From<Error> for Unworked {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Works a job and says in the queue how it went.
async fn work(app: &App, taken: TakenJob) {
    let worked = {
        let keep = keep(app, &taken);
        tokio::select! {
            worked = work_known(app, &taken) => worked,
            () = keep => return,
        }
    };
    let (label, told) = match worked {
        Ok(notified) => (
            "completed",
            app.queue.complete(taken, json!({ "notified": notified })).await,
        ),
        Err(Unworked::Bad(bad)) => {
            tracing::warn!(job = taken.id(), reason = %bad, "job refused");
            ("refused", app.queue.fail(taken, &bad.to_string()).await)
        }
        Err(Unworked::Failed(error)) => {
            tracing::warn!(job = taken.id(), %error, "job failed");
            ("failed", app.queue.fail(taken, &error.to_string()).await)
        }
    };
    counter!("notification_jobs_total", "outcome" => label).increment(1);
    if let Err(error) = told {
        // The row says what is true; the queue learns it when the job runs again.
        tracing::warn!(%error, "the queue was not told how a job went");
    }
}

/// Renews the job's lock; ends when the job was taken away.
async fn keep(app: &App, taken: &TakenJob) {
    let mut ticks = interval(LOCK / 3);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // While Redis does not answer nobody else can take it either.
        if matches!(app.queue.renew(taken).await, Ok(false)) {
            tracing::warn!(job = taken.id(), "job lost to another worker");
            return;
        }
    }
}

async fn work_known(app: &App, taken: &TakenJob) -> Result<usize, Unworked> {
    let job = PageJob::parse(taken.name(), taken.data())?;
    let known = fanout_get(&app.database, job.data.fanout_id).await?;
    let stored = known.ok_or(BadJob::UnknownFanout(job.data.fanout_id))?;
    job.belongs_to(&stored.fanout)?;
    let span = info_span!("fan-out page", otel.kind = "consumer", job = taken.id(), kind = %job.kind);
    proto::trace::continue_from(&span, &stored.trace);
    work_page(app, &stored, job.data.after_follower_id)
        .instrument(span)
        .await
        .map_err(Unworked::Failed)
}

/// Writes the page, with a few quick repeats, and notes a failure in the fan-out's row.
async fn work_page(app: &App, stored: &StoredFanout, after: i64) -> Result<usize> {
    let mut tries = 1;
    loop {
        match tell(app, stored, after).await {
            Err(error) if tries < TRIES => {
                tracing::debug!(%error, tries, "page not written, trying again");
                sleep(FIRST_REST * tries).await;
                tries += 1;
            }
            Err(error) => {
                let (id, reason, now) = (stored.fanout.id, error.to_string(), app.clock.now());
                if let Err(second) = fanout_failed(&app.database, id, after, &reason, now).await {
                    tracing::warn!(error = %second, "the failure was not noted");
                }
                return Err(error);
            }
            done => return done,
        }
    }
}

/// One page: ask, write, push, go on. Answers how many were told.
async fn tell(app: &App, stored: &StoredFanout, after: i64) -> Result<usize> {
    let fanout = &stored.fanout;
    let page = match fanout.step(after) {
        Step::AskFollowers => {
            auth::follower_page(&app.auth, fanout.user, after, app.config.jobs.fanout_page_size).await?
        }
        Step::TellUser => Page {
            users: vec![fanout.user],
            has_more: false,
        },
        Step::Passed { after } => return go_on(app, stored, after).await.map(|()| 0),
        Step::Over => return Ok(0),
    };
    let now = app.clock.now();
    let Some(told) = fanout_tell(&app.database, fanout.id, after, page, now).await? else {
        return Ok(0);
    };
    push::users_notified(&app.realtime, stored, &told.notified, now);
    counter!("notification_notified_total", "kind" => fanout.kind.as_str())
        .increment(u64::try_from(told.notified.len()).unwrap_or(0));
    if let Ok(delay) = (now - stored.occurred_at).to_std() {
        histogram!("notification_page_delay_seconds").record(delay.as_secs_f64());
    }
    if let State::Running { after } = told.state {
        go_on(app, stored, after).await?;
    }
    Ok(told.notified.len())
}

/// Adds the job of the next page. When Redis does not take it, the page is written all the same and the
/// reconciler goes on.
async fn go_on(app: &App, stored: &StoredFanout, after: i64) -> Result<()> {
    if let Err(error) = app.queue.add(&PageJob::new(&stored.fanout, after)).await {
        tracing::warn!(fanout = stored.fanout.id, %error, "next job not added, the reconciler will");
    }
    Ok(())
}
