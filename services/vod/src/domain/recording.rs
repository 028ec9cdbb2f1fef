//! The state machine of a recording job.
//!
//! ```text
//! pending ──claim──▶ working ──publish──▶ published
//!    ▲                  │ ├──discard──▶ discarded   (no media, or its VOD was deleted)
//!    └──retryable failure┘ └──give up──▶ failed     (permanent failure, or too many attempts)
//! ```
//!
//! A worker owns a job through a lease and the number of its attempt. After the lease expires, another worker
//! may claim the job with the next number. Every later call of the first worker then fails with [`Fenced`],
//! because its number is outdated.

use chrono::{DateTime, TimeDelta, Utc};

use super::UnknownName;

/// When jobs are retried and abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobPolicy {
    /// A worker that does not renew its job for this long loses it.
    pub lease: TimeDelta,
    /// Attempts before the job fails.
    pub max_attempts: i32,
    /// The delay after the first failure. It doubles with each further failure.
    pub first_delay: TimeDelta,
    pub max_delay: TimeDelta,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// May be claimed from `due_at`.
    Pending { due_at: DateTime<Utc> },
    /// A worker owns the job until `lease_until`.
    Working { lease_until: DateTime<Utc> },
    /// The VOD is ready.
    Published,
    /// Abandoned. The source is kept for another try.
    Failed,
    /// There is nothing to make a VOD of.
    Discarded,
}

/// The name of a [`JobState`] in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    Pending,
    Working,
    Published,
    Failed,
    Discarded,
}

impl JobStatus {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Working,
        Self::Published,
        Self::Failed,
        Self::Discarded,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Working => "working",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
        }
    }
}

impl TryFrom<&str> for JobStatus {
    type Error = UnknownName;

    fn try_from(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == name);
        found.ok_or(UnknownName)
    }
}

impl JobState {
    /// Combines the columns of a row. `due_at` is the end of the lease of a working job.
    #[must_use]
    pub fn new(status: JobStatus, due_at: DateTime<Utc>) -> Self {
        match status {
            JobStatus::Pending => Self::Pending { due_at },
            JobStatus::Working => Self::Working { lease_until: due_at },
            JobStatus::Published => Self::Published,
            JobStatus::Failed => Self::Failed,
            JobStatus::Discarded => Self::Discarded,
        }
    }

    #[must_use]
    pub fn status(self) -> JobStatus {
        match self {
            Self::Pending { .. } => JobStatus::Pending,
            Self::Working { .. } => JobStatus::Working,
            Self::Published => JobStatus::Published,
            Self::Failed => JobStatus::Failed,
            Self::Discarded => JobStatus::Discarded,
        }
    }

    /// Returns when the job may be claimed, if ever.
    #[must_use]
    pub fn due_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Pending { due_at: time } | Self::Working { lease_until: time } => Some(time),
            Self::Published | Self::Failed | Self::Discarded => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingJob {
    /// Attempts so far, including the current one.
    pub attempts: i32,
    pub state: JobState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The caller owns the job. The number of its attempt is [`RecordingJob::attempts`].
    Claimed(RecordingJob),
    /// The workers of too many attempts have died, so the job has failed.
    Abandoned(RecordingJob),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job is not due")]
pub struct NotDue;

/// The caller no longer owns the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another worker has taken over the job")]
pub struct Fenced;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptFailure {
    Retryable,
    Permanent,
}

impl RecordingJob {
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            attempts: 0,
            state: JobState::Pending { due_at: now },
        }
    }

    /// Claims a job that is due, or whose lease has expired.
    pub fn claim(self, now: DateTime<Utc>, policy: &JobPolicy) -> Result<ClaimOutcome, NotDue> {
        if self.state.due_at().is_none_or(|due_at| due_at > now) {
            return Err(NotDue);
        }
        if self.attempts >= policy.max_attempts {
            return Ok(ClaimOutcome::Abandoned(self.with(JobState::Failed)));
        }
        let claimed = Self {
            attempts: self.attempts + 1,
            ..self
        };
        Ok(ClaimOutcome::Claimed(claimed.with(JobState::Working {
            lease_until: now + policy.lease,
        })))
    }

    /// Extends the lease of an attempt.
    pub fn renew(self, attempt: i32, now: DateTime<Utc>, policy: &JobPolicy) -> Result<Self, Fenced> {
        self.check_owner(attempt)?;
        Ok(self.with(JobState::Working {
            lease_until: now + policy.lease,
        }))
    }

    /// Ends the job with a VOD. Also succeeds after the lease has expired, as long as no other worker has
    /// claimed the job.
    pub fn publish(self, attempt: i32) -> Result<Self, Fenced> {
        self.check_owner(attempt)?;
        Ok(self.with(JobState::Published))
    }

    /// Ends the job without a VOD.
    pub fn discard(self, attempt: i32) -> Result<Self, Fenced> {
        self.check_owner(attempt)?;
        Ok(self.with(JobState::Discarded))
    }

    /// Ends an attempt that failed. The job fails if the failure is permanent or the attempt was the last
    /// one, and else becomes pending again.
    pub fn fail_attempt(
        self,
        attempt: i32,
        failure: AttemptFailure,
        now: DateTime<Utc>,
        policy: &JobPolicy,
    ) -> Result<Self, Fenced> {
        self.check_owner(attempt)?;
        let is_last = failure == AttemptFailure::Permanent || self.attempts >= policy.max_attempts;
        let state = if is_last {
            JobState::Failed
        } else {
            JobState::Pending {
                due_at: now + policy.delay(self.attempts),
            }
        };
        Ok(self.with(state))
    }

    /// Ends the job because its VOD was deleted, no matter which worker owns it.
    #[must_use]
    pub fn cancel(self) -> Self {
        match self.state {
            JobState::Published => self,
            _ => self.with(JobState::Discarded),
        }
    }

    /// Restarts a failed job. Returns `None` if it has not failed.
    #[must_use]
    pub fn retry(self, now: DateTime<Utc>) -> Option<Self> {
        (self.state == JobState::Failed).then(|| Self::new(now))
    }

    fn with(self, state: JobState) -> Self {
        Self { state, ..self }
    }

    fn check_owner(self, attempt: i32) -> Result<(), Fenced> {
        let owned = self.state.status() == JobStatus::Working && self.attempts == attempt;
        if owned { Ok(()) } else { Err(Fenced) }
    }
}

impl JobPolicy {
    /// Returns the delay after a number of failed attempts.
    fn delay(&self, attempts: i32) -> TimeDelta {
        let factor = 1_i32
            .checked_shl(u32::try_from(attempts - 1).unwrap_or(0))
            .filter(|factor| *factor > 0);
        let delay = factor.and_then(|factor| self.first_delay.checked_mul(factor));
        delay.unwrap_or(self.max_delay).min(self.max_delay)
    }
}

#[cfg(test)]
mod tests;
