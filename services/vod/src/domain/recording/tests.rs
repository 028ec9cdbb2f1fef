//! Transitions of jobs, single and random ones.

use proptest::prelude::*;

use super::*;

const POLICY: JobPolicy = JobPolicy {
    lease: TimeDelta::seconds(60),
    max_attempts: 4,
    first_delay: TimeDelta::seconds(5),
    max_delay: TimeDelta::seconds(15),
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn claimed(job: RecordingJob, now: i64) -> RecordingJob {
    match job.claim(at(now), &POLICY) {
        Ok(ClaimOutcome::Claimed(job)) => job,
        other => panic!("{other:?}"),
    }
}

#[test]
fn status_round_trip() {
    for status in JobStatus::ALL {
        assert_eq!(JobStatus::try_from(status.as_str()), Ok(status));
        assert_eq!(JobState::new(status, at(1)).status(), status);
    }
    assert_eq!(JobStatus::try_from("live"), Err(UnknownName));
}

#[test]
fn failed_attempts_are_retried_with_growing_delays() {
    let mut job = RecordingJob::new(at(0));
    let mut now = 0;
    for delay in [5, 10, 15] {
        job = claimed(job, now);
        job = job
            .fail_attempt(job.attempts, AttemptFailure::Retryable, at(now), &POLICY)
            .unwrap();
        assert_eq!(
            job.state,
            JobState::Pending {
                due_at: at(now + delay)
            }
        );
        assert_eq!(job.claim(at(now + delay - 1), &POLICY), Err(NotDue));
        now += delay;
    }
    job = claimed(job, now);
    job = job
        .fail_attempt(job.attempts, AttemptFailure::Retryable, at(now), &POLICY)
        .unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Failed, 4));
}

#[test]
fn permanent_failure_is_not_retried() {
    let job = claimed(RecordingJob::new(at(0)), 0);
    assert_eq!(
        job.fail_attempt(1, AttemptFailure::Permanent, at(0), &POLICY)
            .unwrap()
            .state,
        JobState::Failed
    );
}

#[test]
fn worker_with_expired_lease_is_replaced_and_fenced() {
    let first = claimed(RecordingJob::new(at(0)), 0);
    assert_eq!(first.claim(at(59), &POLICY), Err(NotDue));
    let renewed = first.renew(1, at(50), &POLICY).unwrap();
    assert_eq!(renewed.claim(at(109), &POLICY), Err(NotDue));
    let second = claimed(renewed, 110);
    assert_eq!(second.attempts, 2);
    assert_eq!(second.publish(1), Err(Fenced));
    assert_eq!(second.renew(1, at(111), &POLICY), Err(Fenced));
    assert_eq!(second.publish(2).unwrap().state, JobState::Published);
}

#[test]
fn job_fails_after_too_many_dead_workers() {
    let mut job = RecordingJob::new(at(0));
    for n in 0..4 {
        job = claimed(job, n * 60);
    }
    assert!(matches!(
        job.claim(at(1000), &POLICY),
        Ok(ClaimOutcome::Abandoned(RecordingJob {
            state: JobState::Failed,
            ..
        }))
    ));
}

#[test]
fn delays_do_not_overflow() {
    let policy = JobPolicy {
        first_delay: TimeDelta::days(365),
        ..POLICY
    };
    for attempts in [0, 1, 31, 32, 33, i32::MAX] {
        assert!(policy.delay(attempts) <= POLICY.max_delay);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Claim,
    Renew(i32),
    Publish(i32),
    Discard(i32),
    FailAttempt(i32, bool),
    Cancel,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Claim),
        1 => (0..6).prop_map(Step::Renew),
        1 => (0..6).prop_map(Step::Publish),
        1 => (0..6).prop_map(Step::Discard),
        3 => (0..6, any::<bool>()).prop_map(|(attempt, last)| Step::FailAttempt(attempt, last)),
        1 => Just(Step::Cancel),
        4 => (0..100_i64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn final_states_are_final_and_only_the_current_attempt_may_end_a_job(steps in prop::collection::vec(step(), 0..60)) {
        let (mut job, mut now) = (RecordingJob::new(at(0)), 0);
        for step in steps {
            let before = job;
            let after = match step {
                Step::Claim => job.claim(at(now), &POLICY).ok().map(|claim| match claim {
                    ClaimOutcome::Claimed(job) | ClaimOutcome::Abandoned(job) => job,
                }),
                Step::Renew(n) => job.renew(n, at(now), &POLICY).ok(),
                Step::Publish(n) => job.publish(n).ok(),
                Step::Discard(n) => job.discard(n).ok(),
                Step::FailAttempt(n, last) => {
                    job.fail_attempt(n, if last { AttemptFailure::Permanent } else { AttemptFailure::Retryable }, at(now), &POLICY).ok()
                }
                Step::Cancel => Some(job.cancel()),
                Step::Wait(seconds) => {
                    now += seconds;
                    None
                }
            };
            job = after.unwrap_or(job);
            prop_assert!(job.attempts <= POLICY.max_attempts && job.attempts >= before.attempts);
            if before.state == JobState::Published {
                prop_assert_eq!(job, before);
            }
            if matches!(before.state, JobState::Failed | JobState::Discarded) {
                prop_assert!(job == before || job.state == JobState::Discarded);
            }
            if job.state == JobState::Published && before.state != JobState::Published {
                let was_working = matches!(before.state, JobState::Working { .. });
                prop_assert!(was_working);
            }
        }
    }
}
