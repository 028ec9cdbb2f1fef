//! The life of a recording job.
//!
//! ```text
//! pending ──claim──▶ working ──publish──▶ published
//!    ▲                  │ ├──discard──▶ discarded   (nothing in it, or nobody wants it)
//!    └──a setback───────┘ └──give up──▶ failed      (no use, or too many tries)
//! ```
//!
//! A worker holds a job by a lease and by the number of its attempt. When the lease runs out another takes the job over, with
//! the next number; what the first one says from then on is refused, since its number has passed.

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
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORK: Work = Work {
        lease: TimeDelta::seconds(60),
        max_attempts: 4,
        first_pause: TimeDelta::seconds(5),
        longest_pause: TimeDelta::seconds(15),
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn taken(job: Recording, now: i64) -> Recording {
        match job.claim(at(now), &WORK) {
            Ok(Claim::Taken(job)) => job,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn setbacks_are_tried_again_later_and_later_until_it_is_enough() {
        let mut job = Recording::new(at(0));
        let mut now = 0;
        for pause in [5, 10, 15] {
            job = taken(job, now);
            job = job
                .set_back(job.attempts, Setback::Retry, at(now), &WORK)
                .unwrap();
            assert_eq!(
                job.state,
                State::Pending {
                    due_at: at(now + pause)
                }
            );
            assert_eq!(job.claim(at(now + pause - 1), &WORK), Err(NotDue));
            now += pause;
        }
        job = taken(job, now);
        job = job
            .set_back(job.attempts, Setback::Retry, at(now), &WORK)
            .unwrap();
        assert_eq!((job.state, job.attempts), (State::Failed, 4));
    }

    #[test]
    fn what_never_works_is_not_tried_again() {
        let job = taken(Recording::new(at(0)), 0);
        assert_eq!(
            job.set_back(1, Setback::Final, at(0), &WORK).unwrap().state,
            State::Failed
        );
    }

    #[test]
    fn a_silent_worker_is_succeeded_and_refused() {
        let first = taken(Recording::new(at(0)), 0);
        assert_eq!(first.claim(at(59), &WORK), Err(NotDue));
        let renewed = first.renew(1, at(50), &WORK).unwrap();
        assert_eq!(renewed.claim(at(109), &WORK), Err(NotDue));
        let second = taken(renewed, 110);
        assert_eq!(second.attempts, 2);
        assert_eq!(second.publish(1), Err(Fenced));
        assert_eq!(second.renew(1, at(111), &WORK), Err(Fenced));
        assert_eq!(second.publish(2).unwrap().state, State::Published);
    }

    #[test]
    fn workers_that_die_too_often_take_no_more() {
        let mut job = Recording::new(at(0));
        for n in 0..4 {
            job = taken(job, n * 60);
        }
        assert!(matches!(
            job.claim(at(1000), &WORK),
            Ok(Claim::GivenUp(Recording {
                state: State::Failed,
                ..
            }))
        ));
    }

    #[test]
    fn pauses_do_not_overflow() {
        let work = Work {
            first_pause: TimeDelta::days(365),
            ..WORK
        };
        for attempts in [0, 1, 31, 32, 33, i32::MAX] {
            assert!(work.pause(attempts) <= WORK.longest_pause);
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Claim,
        Renew(i32),
        Publish(i32),
        Discard(i32),
        SetBack(i32, bool),
        Cancel,
        Wait(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Claim),
            1 => (0..6).prop_map(Step::Renew),
            1 => (0..6).prop_map(Step::Publish),
            1 => (0..6).prop_map(Step::Discard),
            3 => (0..6, any::<bool>()).prop_map(|(attempt, last)| Step::SetBack(attempt, last)),
            1 => Just(Step::Cancel),
            4 => (0..100_i64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #[test]
        fn an_end_is_an_end_and_only_the_current_attempt_has_a_say(steps in prop::collection::vec(step(), 0..60)) {
            let (mut job, mut now) = (Recording::new(at(0)), 0);
            for step in steps {
                let before = job;
                let after = match step {
                    Step::Claim => job.claim(at(now), &WORK).ok().map(|claim| match claim {
                        Claim::Taken(job) | Claim::GivenUp(job) => job,
                    }),
                    Step::Renew(n) => job.renew(n, at(now), &WORK).ok(),
                    Step::Publish(n) => job.publish(n).ok(),
                    Step::Discard(n) => job.discard(n).ok(),
                    Step::SetBack(n, last) => {
                        job.set_back(n, if last { Setback::Final } else { Setback::Retry }, at(now), &WORK).ok()
                    }
                    Step::Cancel => Some(job.cancel()),
                    Step::Wait(seconds) => {
                        now += seconds;
                        None
                    }
                };
                job = after.unwrap_or(job);
                prop_assert!(job.attempts <= WORK.max_attempts && job.attempts >= before.attempts);
                if before.state == State::Published {
                    prop_assert_eq!(job, before);
                }
                if matches!(before.state, State::Failed | State::Discarded) {
                    prop_assert!(job == before || job.state == State::Discarded);
                }
                if job.state == State::Published && before.state != State::Published {
                    let was_working = matches!(before.state, State::Working { .. });
                    prop_assert!(was_working);
                }
            }
        }
    }
}
