//! The job queue in Redis, in BullMQ's layout.
//!
//! `bullmq-rs` writes and moves the jobs. Its worker is not used, for three things found in it (version
//! 2.2.0): a job that it fetched while its main loop blocks waits up to 5 s; one delayed job far in the
//! future makes every fetch wait 5 s; and its check for stalled jobs takes jobs that have just been locked
//! for stalled, and drops those that stalled too often without putting them among the failed. So the loop is
//! ours (`inbound::jobs`), and what stalled or cannot be read is moved by the two scripts here.
//!
//! Nothing in the queue is the only copy of anything: Redis may be emptied at any time.

use std::time::Duration;

use bullmq_rs::{
    BullmqError, Job, JobOptions, JobState, Queue, QueueBuilder, RedisConnection as QueueServer,
};
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

/// The queue's name.
pub const QUEUE: &str = "notifications";
/// How long one command may take; the library's connection has no limit of its own.
const ANSWER: Duration = Duration::from_secs(1);
/// How long a worker that died keeps its job: the lock, renewed while the job runs.
pub const LOCK: Duration = Duration::from_secs(5);
/// Times that a job may lose its worker before it fails.
const MAX_STALLS: u32 = 10;
/// Finished jobs are kept this long, for whoever looks at the queue.
const KEEP_COMPLETED: Duration = Duration::from_secs(3600);
const KEEP_FAILED: Duration = Duration::from_secs(7 * 24 * 3600);
/// Jobs that one round of cleaning removes.
const CLEAN_BATCH: u64 = 1000;

/// The queue `notifications`.
pub struct JobQueue {
    url: SecretString,
    prefix: String,
    redis: Redis,
    /// The connection that waits for jobs, apart from the one that commands share.
    waiting: Pool,
    queue: Mutex<Option<std::sync::Arc<Queue<Value>>>>,
    unreadable: Script,
    stalled: Script,
}

/// A job that this worker holds.
pub struct TakenJob {
    job: Job<Value>,
    token: String,
}

impl JobQueue {
    /// Prepares the queue under BullMQ's own prefix; connects when first used.
    ///
    /// # Errors
    /// When the URL cannot be understood.
    pub fn new(config: &RedisConfig, redis: Redis, prefix: &str) -> Result<Self> {
        Ok(Self {
            url: config.redis_url.clone(),
            prefix: prefix.to_owned(),
            waiting: redis.pool(1, ANSWER + ANSWER)?,
            redis,
            queue: Mutex::new(None),
            unreadable: Script::new(include_str!("queue/unreadable.lua")),
            stalled: Script::new(include_str!("queue/stalled.lua")),
        })
    }

    /// Adds a job, unless one of its id is there in any state.
    ///
    /// # Errors
    /// When Redis does not take it.
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

    /// Adds the job of a page whose fan-out goes on: nothing when a job of it is alive, anew when it ended or
    /// is gone.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn revive(&self, job: &PageJob) -> Result<bool> {
        let (queue, id) = (self.queue().await?, job.id());
        let alive = match within(queue.get_job(&id)).await? {
            None => false,
            Some(mut there) => match within_raw(there.get_state()).await? {
                Ok(JobState::Completed | JobState::Failed) | Err(BullmqError::JobNotFound(_)) => {
                    within(queue.remove(&id)).await?;
                    false
                }
                Ok(_) => true,
                Err(error) => return Err(failed(&error)),
            },
        };
        if !alive {
            self.add(job).await?;
        }
        Ok(!alive)
    }

    /// Takes the next job that waits, for [`LOCK`]. A job that cannot be read fails here, with the reason.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn take(&self) -> Result<Option<TakenJob>> {
        let queue = self.queue().await?;
        // A token for each job: whatever this one locked is the job that was taken.
        let token = Uuid::new_v4().to_string();
        match within_raw(queue.get_next_job(&token)).await? {
            Ok(Some(job)) => {
                let taken = TakenJob { job, token };
                self.renew(&taken).await?;
                Ok(Some(taken))
            }
            Ok(None) => Ok(None),
            Err(BullmqError::Redis(error)) => Err(Error::Store(error_of(&error))),
            Err(unreadable) => {
                self.fail_unreadable(&token, &unreadable.to_string()).await?;
                Ok(None)
            }
        }
    }

    /// Keeps the job for another [`LOCK`]; false when it was taken away.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn renew(&self, taken: &TakenJob) -> Result<bool> {
        let (ids, tokens) = ([taken.job.id.clone()], [taken.token.clone()]);
        let lost = within(self.queue().await?.extend_job_locks(&ids, &tokens, LOCK)).await?;
        Ok(lost.is_empty())
    }

    /// Moves a job to those that are completed.
    ///
    /// # Errors
    /// When Redis does not answer, or the job was taken away.
    pub async fn complete(&self, mut taken: TakenJob, result: Value) -> Result<()> {
        within(taken.job.move_to_completed(result)).await
    }

    /// Moves a job to those that failed.
    ///
    /// # Errors
    /// When Redis does not answer, or the job was taken away.
    pub async fn fail(&self, mut taken: TakenJob, reason: &str) -> Result<()> {
        within(taken.job.move_to_failed(reason)).await
    }

    /// Waits until a job may be there, at most for a time. BullMQ's marker `0` says that one waits, `1` when
    /// a delayed one is due.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn wait(&self, at_most: Duration, now: i64) -> Result<()> {
        let mut left = at_most.min(ANSWER);
        // A pooled connection that breaks is replaced by the pool.
        let mut connection = self
            .waiting
            .get()
            .await
            .map_err(|error| Error::Queue(error.to_string()))?;
        while !left.is_zero() {
            let began = tokio::time::Instant::now();
            let mut marker = cmd("BZPOPMIN");
            marker.arg(self.key("marker")).arg(left.as_secs_f64());
            let popped: Option<(String, String, f64)> = marker
                .query_async(&mut connection)
                .await
                .map_err(|error| Error::Store(error.into()))?;
            match popped {
                Some((_, member, due)) if member == "1" => {
                    // The marker is written again by the next fetch that finds nothing.
                    let rest =
                        Duration::from_millis(u64::try_from(millis(due).saturating_sub(now)).unwrap_or(0));
                    left = left.saturating_sub(began.elapsed()).min(rest);
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Gives jobs whose worker died back to those that wait, and says how many.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn requeue_stalled(&self) -> Result<u64> {
        let mut call = self.stalled.prepare_invoke();
        for key in [
            "active", "wait", "paused", "meta", "stalled", "marker", "failed", "events",
        ] {
            call.key(self.key(key));
        }
        call.arg(self.key(""))
            .arg(MAX_STALLS)
            .arg(chrono::Utc::now().timestamp_millis());
        Ok(call
            .invoke_async(&mut self.redis.connection())
            .await
            .map_err(storage::Error::from)?)
    }

    /// Removes jobs that finished a while ago.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn clean(&self) -> Result<()> {
        let queue = self.queue().await?;
        within(queue.clean(KEEP_COMPLETED, CLEAN_BATCH, JobState::Completed)).await?;
        within(queue.clean(KEEP_FAILED, CLEAN_BATCH, JobState::Failed)).await?;
        Ok(())
    }

    async fn fail_unreadable(&self, token: &str, reason: &str) -> Result<()> {
        tracing::warn!(reason, "a job cannot be read");
        let mut call = self.unreadable.prepare_invoke();
        for key in ["active", "failed", "stalled", "events"] {
            call.key(self.key(key));
        }
        call.arg(self.key(""))
            .arg(token)
            .arg(format!("unreadable job: {reason}"));
        call.arg(chrono::Utc::now().timestamp_millis());
        call.invoke_async::<()>(&mut self.redis.connection())
            .await
            .map_err(storage::Error::from)?;
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{QUEUE}:{name}", self.prefix)
    }

    /// The library connects when it is built, so it is built when Redis is first there.
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
    /// The job's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.job.id
    }

    /// The job's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.job.name
    }

    /// The job's data.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.job.data
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, BullmqError>>) -> Result<T> {
    within_raw(answer).await?.map_err(|error| failed(&error))
}

async fn within_raw<T>(
    answer: impl Future<Output = Result<T, BullmqError>>,
) -> Result<Result<T, BullmqError>> {
    timeout(ANSWER, answer).await.map_err(|_| {
        Error::Store(storage::Error::Timeout(
            "the job queue did not answer in time".to_owned(),
        ))
    })
}

fn failed(error: &BullmqError) -> Error {
    match error {
        BullmqError::Redis(error) => Error::Store(error_of(error)),
        other => Error::Queue(other.to_string()),
    }
}

fn error_of(error: &storage::deadpool_redis::redis::RedisError) -> storage::Error {
    storage::Error::Unavailable(error.to_string())
}

/// A marker's score is a time in milliseconds, with the job's order in the lowest bits where BullMQ adds it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float of milliseconds is far below the bound; beyond it saturates"
)]
fn millis(score: f64) -> i64 {
    score as i64
}
