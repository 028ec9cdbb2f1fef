//! Single lives of jobs, and random ones.

use proptest::prelude::*;

use super::*;

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
