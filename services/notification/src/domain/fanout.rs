use std::time::Duration;

use primitives::UserId;
use uuid::Uuid;

use super::{Audience, Kind};

/// One occasion on its way to all who are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fanout {
    /// Its id.
    pub id: i64,
    /// The event that it came from.
    pub event_id: Uuid,
    /// What is told.
    pub kind: Kind,
    /// Whose followers are told; of a new follower the one who is told.
    pub user: UserId,
    /// What the notification leads to.
    pub entity_id: i64,
    /// How far it has come.
    pub state: State,
    /// Pages written.
    pub pages: i32,
}

/// How far a fan-out has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The page of followers after this one is the next.
    Running {
        /// The last follower told, 0 at the beginning.
        after: i64,
    },
    /// Everybody was told.
    Done,
    /// It was given up: too old to be news.
    Abandoned,
}

/// What a job for the page after some follower has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask for the page, then write it.
    AskFollowers,
    /// Write the one user's notification; nobody has to be asked.
    TellUser,
    /// The page was written before; see that the job of the page after this follower exists.
    Passed {
        /// Where the fan-out stands.
        after: i64,
    },
    /// The fan-out is over.
    Over,
}

/// Users to tell in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In rising order.
    pub users: Vec<UserId>,
    /// Whether more follow.
    pub has_more: bool,
}

/// What follows when a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// Write the page; the fan-out then stands here.
    To(State),
    /// Write nothing: another run of the same job was first.
    Passed,
}

/// A page that would not bring the fan-out forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a page of followers that does not rise from where it was asked for")]
pub struct BrokenPage;

impl Fanout {
    /// What the job for the page after a follower has to do. A job for a page that the fan-out has not
    /// reached is answered like one that it has passed: the page on which it stands comes first.
    #[must_use]
    pub fn step(&self, job_after: i64) -> Step {
        match self.state {
            State::Running { after } if after != job_after => Step::Passed { after },
            State::Running { .. } => match self.kind.audience() {
                Audience::User => Step::TellUser,
                Audience::Followers => Step::AskFollowers,
            },
            State::Done | State::Abandoned => Step::Over,
        }
    }

    /// What follows when the job for the page after a follower brings that page. Asked with the row locked:
    /// of two runs of one job the second finds that the fan-out has moved.
    ///
    /// # Errors
    /// [`BrokenPage`], which would send the fan-out round in circles.
    pub fn advance(&self, job_after: i64, page: &Page) -> Result<Advance, BrokenPage> {
        match self.state {
            State::Running { after } if after == job_after => {}
            _ => return Ok(Advance::Passed),
        }
        let mut last = job_after;
        for user in page
            .users
            .iter()
            .filter(|_| self.kind.audience() == Audience::Followers)
        {
            if user.0 <= last {
                return Err(BrokenPage);
            }
            last = user.0;
        }
        let more = page.has_more && last > job_after;
        Ok(Advance::To(if more {
            State::Running { after: last }
        } else {
            State::Done
        }))
    }
}

/// How long a page rests after this many failures in a row, before its job is added again: doubling from 2 s
/// to 1 min.
#[must_use]
pub fn retry_delay(attempts: u32) -> Duration {
    Duration::from_secs(2_u64.saturating_pow(attempts.clamp(1, 6)).min(60))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fanout(kind: Kind, state: State) -> Fanout {
        Fanout {
            id: 1,
            event_id: Uuid::nil(),
            kind,
            user: UserId(1),
            entity_id: 7,
            state,
            pages: 0,
        }
    }

    fn page(users: &[i64], has_more: bool) -> Page {
        Page {
            users: users.iter().copied().map(UserId).collect(),
            has_more,
        }
    }

    #[test]
    fn only_the_job_of_the_present_page_writes() {
        let fanout = fanout(Kind::StreamStarted, State::Running { after: 20 });
        assert_eq!(fanout.step(20), Step::AskFollowers);
        assert_eq!(fanout.step(0), Step::Passed { after: 20 });
        assert_eq!(fanout.step(99), Step::Passed { after: 20 });
        assert_eq!(fanout.advance(0, &page(&[1, 2], true)), Ok(Advance::Passed));
        assert_eq!(
            fanout.advance(20, &page(&[21, 30], true)),
            Ok(Advance::To(State::Running { after: 30 }))
        );
        assert_eq!(
            fanout.advance(20, &page(&[21], false)),
            Ok(Advance::To(State::Done))
        );
    }

    #[test]
    fn a_finished_fanout_writes_nothing() {
        for state in [State::Done, State::Abandoned] {
            let fanout = fanout(Kind::NewVod, state);
            assert_eq!(fanout.step(0), Step::Over);
            assert_eq!(fanout.advance(0, &page(&[1], false)), Ok(Advance::Passed));
        }
    }

    #[test]
    fn one_user_is_told_without_asking() {
        let fanout = fanout(Kind::NewFollower, State::Running { after: 0 });
        assert_eq!(fanout.step(0), Step::TellUser);
        assert_eq!(
            fanout.advance(0, &page(&[1], false)),
            Ok(Advance::To(State::Done))
        );
    }

    #[test]
    fn a_page_that_does_not_rise_is_refused() {
        let fanout = fanout(Kind::StreamStarted, State::Running { after: 5 });
        for bad in [
            page(&[5], true),
            page(&[4], true),
            page(&[6, 6], true),
            page(&[8, 7], false),
        ] {
            assert_eq!(fanout.advance(5, &bad), Err(BrokenPage), "{bad:?}");
        }
        assert_eq!(fanout.advance(5, &page(&[], true)), Ok(Advance::To(State::Done)));
    }

    #[test]
    fn a_failing_page_rests_longer_and_longer() {
        let seconds: Vec<_> = [0, 1, 2, 3, 6, 100].map(|n| retry_delay(n).as_secs()).into();
        assert_eq!(seconds, [2, 2, 4, 8, 60, 60]);
    }

    proptest! {
        /// However often jobs are repeated, late or early: everybody is told exactly once, and nobody else.
        #[test]
        fn everybody_is_told_once(
            followers in prop::collection::btree_set(1_i64..500, 0..60),
            size in 1_usize..9,
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
        ) {
            let mut fanout = fanout(Kind::StreamStarted, State::Running { after: 0 });
            let mut told = BTreeMap::<i64, u32>::new();
            let mut jobs = vec![0];
            let mut picks = picks.into_iter();
            while fanout.state != State::Done {
                // Any job ever made may run again; when the picks are used up the newest runs.
                let job = picks.next().map_or(jobs[jobs.len() - 1], |pick| *pick.get(&jobs));
                if !matches!(fanout.step(job), Step::AskFollowers) {
                    continue;
                }
                let mut users: Vec<_> = followers.range(job + 1..).copied().collect();
                let has_more = users.len() > size;
                users.truncate(size);
                if let Advance::To(state) = fanout.advance(job, &page(&users, has_more)).unwrap() {
                    for user in users {
                        *told.entry(user).or_default() += 1;
                    }
                    fanout.state = state;
                    if let State::Running { after } = state {
                        jobs.push(after);
                    }
                }
            }
            prop_assert_eq!(told.keys().copied().collect::<Vec<_>>(), followers.into_iter().collect::<Vec<_>>());
            prop_assert!(told.values().all(|times| *times == 1));
        }
    }
}
