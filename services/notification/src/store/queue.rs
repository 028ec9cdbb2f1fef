//! The job queue in Redis, in BullMQ's layout.
//!
//! `bullmq-rs` writes and moves the jobs. Its worker (version 2.2.0) is not used, for three reasons: a job
//! that it fetched while its main loop blocks waits up to 5 s; one delayed job far in the future makes every
//! fetch wait 5 s; and its check for stalled jobs treats jobs that were just locked as stalled, and drops
//! those that stalled too often instead of failing them. So `inbound::jobs` has its own loop, and the two
//! scripts here move stalled and unreadable jobs.
//!
//! The queue never has the only copy of anything: Redis may be emptied at any time.

use std::time::Duration;

use bullmq_rs::{
    BullmqError, Job, JobOptions, JobState, Queue, QueueBuilder, RedisConnection as QueueServer,
};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use storage::deadpool_redis::Pool;
use storage::deadpool_redis::redis::{Script, cmd};
use storage::{Redis, RedisConfig};
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::store::jobs::PageJob;

pub const QUEUE: &str = "notifications";
/// The limit of one command; the library's connection has no limit of its own.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a dead worker keeps its job. A live worker renews the lock.
pub const LOCK_TTL: Duration = Duration::from_secs(5);
/// How often a job may lose its worker before it fails.
const MAX_STALLS: u32 = 10;
/// How long finished jobs are kept for operators.
const COMPLETED_RETENTION: Duration = Duration::from_secs(3600);
const FAILED_RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);
/// Finished jobs removed per call, of each state.
const CLEAN_BATCH: u64 = 1000;

pub struct JobQueue {
    url: SecretString,
    prefix: String,
    redis: Redis,
    /// A separate connection for blocking waits, which would hold up the shared one.
    waiting: Pool,
    queue: Mutex<Option<std::sync::Arc<Queue<Value>>>>,
    unreadable: Script,
    stalled: Script,
}

/// A job that this worker has locked.
pub struct TakenJob {
    job: Job<Value>,
    token: String,
}

impl JobQueue {
    /// Prepares the queue under a BullMQ key prefix. Connects on first use.
    ///
    /// # Errors
    /// An invalid URL.
    pub fn new(config: &RedisConfig, redis: Redis, prefix: &str) -> Result<Self> {
        Ok(Self {
            url: config.redis_url.clone(),
            prefix: prefix.to_owned(),
            waiting: redis.pool(1, COMMAND_TIMEOUT * 2)?,
            redis,
            queue: Mutex::new(None),
            unreadable: Script::new(include_str!("queue/unreadable.lua")),
            stalled: Script::new(include_str!("queue/stalled.lua")),
        })
    }

    /// Adds a job, unless a job with its id exists in any state.
    pub async fn add(&self, job: &PageJob) -> Result<()> {
        let data = serde_json::to_value(&job.data).map_err(|error| Error::Queue(error.to_string()))?;
        let options = JobOptions {
            job_id: Some(job.id()),
            attempts: Some(1),
            ..JobOptions::default()
        };
        let queue = self.queue().await?;
        within(queue.add(job.kind.as_str(), data, Some(options))).await?;
        Ok(())
    }

    /// Adds the job of an unwritten page again if it ended or is gone. Returns false if the job is still
    /// waiting or running.
    pub async fn revive(&self, job: &PageJob) -> Result<bool> {
        let (queue, id) = (self.queue().await?, job.id());
        let alive = match within(queue.get_job(&id)).await? {
            None => false,
            Some(mut job) => match within_raw(job.get_state()).await? {
                Ok(JobState::Completed | JobState::Failed) | Err(BullmqError::JobNotFound(_)) => {
                    within(queue.remove(&id)).await?;
                    false
                }
                Ok(_) => true,
                Err(error) => return Err(queue_error(&error)),
            },
        };
        if !alive {
            self.add(job).await?;
        }
        Ok(!alive)
    }

    /// Takes and locks the next waiting job for [`LOCK_TTL`]. Fails an unreadable job with the reason.
    pub async fn take(&self, now: DateTime<Utc>) -> Result<Option<TakenJob>> {
        let queue = self.queue().await?;
        // One token per job, so that the script can find an unreadable job by its lock.
        let token = Uuid::new_v4().to_string();
        match within_raw(queue.get_next_job(&token)).await? {
            Ok(Some(job)) => {
                let taken = TakenJob { job, token };
                self.renew(&taken).await?;
                Ok(Some(taken))
            }
            Ok(None) => Ok(None),
            Err(BullmqError::Redis(error)) => Err(Error::Store(store_error(&error))),
            Err(unreadable) => {
                self.fail_unreadable(&token, &unreadable.to_string(), now).await?;
                Ok(None)
            }
        }
    }

    /// Extends the lock by [`LOCK_TTL`]. Returns false if another worker has taken the job.
    pub async fn renew(&self, taken: &TakenJob) -> Result<bool> {
        let (ids, tokens) = ([taken.job.id.clone()], [taken.token.clone()]);
        let lost = within(self.queue().await?.extend_job_locks(&ids, &tokens, LOCK_TTL)).await?;
        Ok(lost.is_empty())
    }

    /// Moves a job to the completed ones.
    ///
    /// # Errors
    /// Also if another worker has taken the job.
    pub async fn complete(&self, mut taken: TakenJob, result: Value) -> Result<()> {
        within(taken.job.move_to_completed(result)).await
    }

    /// Moves a job to the failed ones.
    ///
    /// # Errors
    /// Also if another worker has taken the job.
    pub async fn fail(&self, mut taken: TakenJob, reason: &str) -> Result<()> {
        within(taken.job.move_to_failed(reason)).await
    }

    /// Waits until a job may be available, for at most `limit`. BullMQ's marker `0` says that a job is
    /// waiting; `1` carries the time at which a delayed job is due.
    pub async fn wait(&self, limit: Duration, now: DateTime<Utc>) -> Result<()> {
        let mut left = limit.min(COMMAND_TIMEOUT);
        // The pool replaces a broken connection.
        let mut connection = self
            .waiting
            .get()
            .await
            .map_err(|error| Error::Queue(error.to_string()))?;
        while !left.is_zero() {
            let started = tokio::time::Instant::now();
            let mut marker = cmd("BZPOPMIN");
            marker.arg(self.key("marker")).arg(left.as_secs_f64());
            let popped: Option<(String, String, f64)> = marker
                .query_async(&mut connection)
                .await
                .map_err(|error| Error::Store(error.into()))?;
            match popped {
                Some((_, member, due)) if member == "1" => {
                    // Popping the marker loses nothing: the next fetch that finds no job writes it again.
                    let until_due = millis(due).saturating_sub(now.timestamp_millis());
                    let until_due = Duration::from_millis(u64::try_from(until_due).unwrap_or(0));
                    left = left.saturating_sub(started.elapsed()).min(until_due);
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Moves jobs whose worker died back to the waiting ones. Returns how many.
    pub async fn requeue_stalled(&self, now: DateTime<Utc>) -> Result<u64> {
        let mut call = self.stalled.prepare_invoke();
        for key in [
            "active", "wait", "paused", "meta", "stalled", "marker", "failed", "events",
        ] {
            call.key(self.key(key));
        }
        call.arg(self.key("")).arg(MAX_STALLS).arg(now.timestamp_millis());
        Ok(call
            .invoke_async(&mut self.redis.connection())
            .await
            .map_err(storage::Error::from)?)
    }

    /// Removes jobs that finished long ago.
    pub async fn clean(&self) -> Result<()> {
        let queue = self.queue().await?;
        within(queue.clean(COMPLETED_RETENTION, CLEAN_BATCH, JobState::Completed)).await?;
        within(queue.clean(FAILED_RETENTION, CLEAN_BATCH, JobState::Failed)).await?;
        Ok(())
    }

    async fn fail_unreadable(&self, token: &str, reason: &str, now: DateTime<Utc>) -> Result<()> {
        tracing::warn!(reason, "unreadable job");
        let mut call = self.unreadable.prepare_invoke();
        for key in ["active", "failed", "stalled", "events"] {
            call.key(self.key(key));
        }
        call.arg(self.key(""))
            .arg(token)
            .arg(format!("unreadable job: {reason}"));
        call.arg(now.timestamp_millis());
        call.invoke_async::<()>(&mut self.redis.connection())
            .await
            .map_err(storage::Error::from)?;
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{QUEUE}:{name}", self.prefix)
    }

    /// Building the library's queue connects it, so this happens on first use and is retried after a failure.
    async fn queue(&self) -> Result<std::sync::Arc<Queue<Value>>> {
        let mut queue = self.queue.lock().await;
        if let Some(queue) = queue.as_ref() {
            return Ok(std::sync::Arc::clone(queue));
        }
        let builder = QueueBuilder::new(QUEUE)
            .connection(QueueServer::new(self.url.expose_secret()))
            .prefix(&self.prefix);
        let built = std::sync::Arc::new(within(builder.build()).await?);
        *queue = Some(std::sync::Arc::clone(&built));
        Ok(built)
    }
}

impl TakenJob {
    #[must_use]
    pub fn id(&self) -> &str {
        &self.job.id
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.job.name
    }

    #[must_use]
    pub fn data(&self) -> &Value {
        &self.job.data
    }
}

async fn within<T>(command: impl Future<Output = Result<T, BullmqError>>) -> Result<T> {
    within_raw(command).await?.map_err(|error| queue_error(&error))
}

async fn within_raw<T>(
    command: impl Future<Output = Result<T, BullmqError>>,
) -> Result<Result<T, BullmqError>> {
    timeout(COMMAND_TIMEOUT, command)
        .await
        .map_err(|_| Error::Store(storage::Error::Timeout("the job queue timed out".to_owned())))
}

fn queue_error(error: &BullmqError) -> Error {
    match error {
        BullmqError::Redis(error) => Error::Store(store_error(error)),
        other => Error::Queue(other.to_string()),
    }
}

fn store_error(error: &storage::deadpool_redis::redis::RedisError) -> storage::Error {
    storage::Error::Unavailable(error.to_string())
}

/// Converts a marker's score to Unix milliseconds. BullMQ may add the job's order in the lowest bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds are far below the limit of i64, and the cast saturates beyond it"
)]
fn millis(score: f64) -> i64 {
    score as i64
}
