//! The life of a recording job.
//!
//! ```text
//! pending ──claim──▶ working ──publish──▶ published
//!    ▲                  │ ├──discard──▶ discarded   (nothing in it, or nobody wants it)
//!    └──a setback───────┘ └──give up──▶ failed      (no use, or too many tries)
//! ```
//!
//! A worker holds a job by a lease and by the number of its attempt. When the lease runs out another takes
//! the job over, with the next number; what the first one says from then on is refused, since its number has
//! passed.

use chrono::{DateTime, TimeDelta, Utc};

/// The rules of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// A worker that says nothing for so long has lost its job.
    pub lease: TimeDelta,
    /// Tries before the job is given up.
    pub max_attempts: i32,
    /// The pause after the first setback; it doubles with each.
    pub first_pause: TimeDelta,
    /// The longest pause.
    pub longest_pause: TimeDelta,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may be taken from then on.
    Pending {
        /// When.
        due_at: DateTime<Utc>,
    },
    /// A worker has it until then.
    Working {
        /// When its lease runs out.
        lease_until: DateTime<Utc>,
    },
    /// The VOD can be watched.
    Published,
    /// Given up; the file is kept.
    Failed,
    /// There is nothing to make a VOD of.
    Discarded,
}

/// A recording job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// Tries so far, the current one included.
    pub attempts: i32,
    /// Where it stands.
    pub state: State,
}

/// What came of asking for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is the caller's; its number is [`Recording::attempts`].
    Taken(Recording),
    /// Its workers have died too often.
    GivenUp(Recording),
}

/// The job is not to be had now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job is not due")]
pub struct NotDue;

/// The job is not the caller's any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job has been taken over")]
pub struct Fenced;

/// Why an attempt did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// It may work later.
    Retry,
    /// It never will.
    Final,
}

impl Recording {
    /// A job that nobody has tried.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            attempts: 0,
            state: State::Pending { due_at: now },
        }
    }

    /// Takes a job that is due, or whose worker has been silent for too long.
    ///
    /// # Errors
    /// It is neither.
    pub fn claim(self, now: DateTime<Utc>, work: &Work) -> Result<Claim, NotDue> {
        let due = match self.state {
            State::Pending { due_at } => due_at <= now,
            State::Working { lease_until } => lease_until <= now,
            State::Published | State::Failed | State::Discarded => false,
        };
        if !due {
            return Err(NotDue);
        }
        if self.attempts >= work.max_attempts {
            return Ok(Claim::GivenUp(Self {
                state: State::Failed,
                ..self
            }));
        }
        let state = State::Working {
            lease_until: now + work.lease,
        };
        Ok(Claim::Taken(Self {
            attempts: self.attempts + 1,
            state,
        }))
    }

    /// Says that the worker of an attempt is alive.
    ///
    /// # Errors
    /// Another has taken over.
    pub fn renew(self, attempt: i32, now: DateTime<Utc>, work: &Work) -> Result<Self, Fenced> {
        self.held_by(attempt)?;
        Ok(Self {
            state: State::Working {
                lease_until: now + work.lease,
            },
            ..self
        })
    }

    /// Ends the job with a VOD. A lease that has run out does not matter as long as nobody has taken over.
    ///
    /// # Errors
    /// Another has taken over.
    pub fn publish(self, attempt: i32) -> Result<Self, Fenced> {
        self.held_by(attempt)?;
        Ok(Self {
            state: State::Published,
            ..self
        })
    }

    /// Ends the job without a VOD.
    ///
    /// # Errors
    /// Another has taken over.
    pub fn discard(self, attempt: i32) -> Result<Self, Fenced> {
        self.held_by(attempt)?;
        Ok(Self {
            state: State::Discarded,
            ..self
        })
    }

    /// Ends an attempt that did not come to its end.
    ///
    /// # Errors
    /// Another has taken over.
    pub fn set_back(
        self,
        attempt: i32,
        why: Setback,
        now: DateTime<Utc>,
        work: &Work,
    ) -> Result<Self, Fenced> {
        self.held_by(attempt)?;
        let last = why == Setback::Final || self.attempts >= work.max_attempts;
        let state = if last {
            State::Failed
        } else {
            State::Pending {
                due_at: now + work.pause(self.attempts),
            }
        };
        Ok(Self { state, ..self })
    }

    /// Ends the job because nobody wants its VOD any more, whoever works on it.
    #[must_use]
    pub fn cancel(self) -> Self {
        match self.state {
            State::Published => self,
            _ => Self {
                state: State::Discarded,
                ..self
            },
        }
    }

    /// Begins a failed job anew, because somebody asks for it.
    #[must_use]
    pub fn retry(self, now: DateTime<Utc>) -> Option<Self> {
        (self.state == State::Failed).then(|| Self::new(now))
    }

    fn held_by(self, attempt: i32) -> Result<(), Fenced> {
        let held = matches!(self.state, State::Working { .. }) && self.attempts == attempt;
        if held { Ok(()) } else { Err(Fenced) }
    }
}

impl Work {
    /// The pause after so many attempts.
    fn pause(&self, attempts: i32) -> TimeDelta {
        let doubled = 1_i32
            .checked_shl(u32::try_from(attempts - 1).unwrap_or(0))
            .filter(|factor| *factor > 0);
        let pause = doubled.and_then(|factor| self.first_pause.checked_mul(factor));
        pause.unwrap_or(self.longest_pause).min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests;
