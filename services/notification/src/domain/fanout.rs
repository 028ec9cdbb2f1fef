use std::time::Duration;

use primitives::UserId;
use uuid::Uuid;

use super::occasion::{Audience, NotificationKind};

/// The delivery of one notification to everyone it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fanout {
    pub id: i64,
    /// The event that caused it.
    pub event_id: Uuid,
    pub kind: NotificationKind,
    /// The user whose followers are notified; for a new follower, the user who is notified.
    pub user: UserId,
    /// The id of the follower, stream or VOD that the notification links to.
    pub entity_id: i64,
    /// The title of the stream or VOD; `None` for a new follower.
    pub subject_title: Option<String>,
    pub state: FanoutState,
    /// Pages written so far.
    pub pages: i32,
}

/// The stream or VOD that a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub id: i64,
    /// Its title when the notification was created.
    pub title: String,
}

/// How far a fan-out has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FanoutState {
    /// The next page starts after this follower, [`Fanout::START`] for the first page.
    Running { after: i64 },
    /// Every page is written.
    Done,
    /// Given up because it is too old to be news.
    Abandoned,
}

/// What the job of a page has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Fetch the page of followers, then write it.
    FetchFollowers,
    /// Write the notification of the single recipient.
    NotifyUser,
    /// The page was already written; make sure that the job of the current page exists.
    AlreadyWritten {
        /// Where the current page starts.
        after: i64,
    },
    /// The fan-out has ended.
    Ended,
}

/// Users to notify in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowerPage {
    /// In ascending order.
    pub users: Vec<UserId>,
    /// Whether more pages follow.
    pub has_more: bool,
}

/// The effect of a page on its fan-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// Write the page; the fan-out then has this state.
    To(FanoutState),
    /// Write nothing: another run of the same job was faster.
    AlreadyWritten,
}

/// A page that would not move the fan-out forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page of followers is not in ascending order")]
pub struct UnsortedPage;

impl Fanout {
    /// Where the first page starts; follower ids are greater.
    pub const START: i64 = 0;

    /// The user who caused the notification.
    #[must_use]
    pub fn actor(&self) -> UserId {
        match self.kind {
            NotificationKind::NewFollower => UserId(self.entity_id),
            NotificationKind::StreamStarted | NotificationKind::NewVod => self.user,
        }
    }

    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        Subject::of(self.entity_id, self.subject_title.clone())
    }

    /// Returns what the job of the page after `job_after` has to do. A job for a page that the fan-out has
    /// not reached yet is treated like one for a written page: the current page comes first.
    #[must_use]
    pub fn step(&self, job_after: i64) -> Step {
        match self.state {
            FanoutState::Running { after } if after != job_after => Step::AlreadyWritten { after },
            FanoutState::Running { .. } => match self.kind.audience() {
                Audience::User => Step::NotifyUser,
                Audience::Followers => Step::FetchFollowers,
            },
            FanoutState::Done | FanoutState::Abandoned => Step::Ended,
        }
    }

    /// Returns the effect of the page that the job after `job_after` fetched. Call it with the row locked: of
    /// two runs of one job, the second then sees that the fan-out has moved.
    ///
    /// # Errors
    /// [`UnsortedPage`], which would send the fan-out in circles.
    pub fn advance(&self, job_after: i64, page: &FollowerPage) -> Result<Advance, UnsortedPage> {
        match self.state {
            FanoutState::Running { after } if after == job_after => {}
            _ => return Ok(Advance::AlreadyWritten),
        }
        // A single recipient is not a follower id, so its order means nothing.
        if self.kind.audience() == Audience::User {
            return Ok(Advance::To(FanoutState::Done));
        }
        let mut last = job_after;
        for user in &page.users {
            if user.0 <= last {
                return Err(UnsortedPage);
            }
            last = user.0;
        }
        let more = page.has_more && last > job_after;
        Ok(Advance::To(if more {
            FanoutState::Running { after: last }
        } else {
            FanoutState::Done
        }))
    }
}

impl Subject {
    /// Returns `None` without a title: a new follower has no subject.
    #[must_use]
    pub fn of(id: i64, title: Option<String>) -> Option<Self> {
        title.map(|title| Self { id, title })
    }
}

/// Returns how long to wait before a page is enqueued again after `attempts` failures in a row: doubling from
/// 2 s to 1 min.
#[must_use]
pub fn retry_delay(attempts: u32) -> Duration {
    Duration::from_secs(2_u64.saturating_pow(attempts.clamp(1, 6)).min(60))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fanout(kind: NotificationKind, state: FanoutState) -> Fanout {
        Fanout {
            id: 1,
            event_id: Uuid::nil(),
            kind,
            user: UserId(1),
            entity_id: 7,
            subject_title: Some("Chess".into()),
            state,
            pages: 0,
        }
    }

    fn page(users: &[i64], has_more: bool) -> FollowerPage {
        FollowerPage {
            users: users.iter().copied().map(UserId).collect(),
            has_more,
        }
    }

    #[test]
    fn only_the_job_of_the_current_page_writes() {
        let fanout = fanout(
            NotificationKind::StreamStarted,
            FanoutState::Running { after: 20 },
        );
        assert_eq!(fanout.step(20), Step::FetchFollowers);
        assert_eq!(fanout.step(0), Step::AlreadyWritten { after: 20 });
        assert_eq!(fanout.step(99), Step::AlreadyWritten { after: 20 });
        assert_eq!(
            fanout.advance(0, &page(&[1, 2], true)),
            Ok(Advance::AlreadyWritten)
        );
        assert_eq!(
            fanout.advance(20, &page(&[21, 30], true)),
            Ok(Advance::To(FanoutState::Running { after: 30 }))
        );
        assert_eq!(
            fanout.advance(20, &page(&[21], false)),
            Ok(Advance::To(FanoutState::Done))
        );
    }

    #[test]
    fn actor_and_subject_follow_from_the_kind() {
        let mut fanout = fanout(NotificationKind::NewVod, FanoutState::Done);
        let subject = Subject {
            id: 7,
            title: "Chess".into(),
        };
        assert_eq!((fanout.actor(), fanout.subject()), (UserId(1), Some(subject)));
        fanout.kind = NotificationKind::NewFollower;
        fanout.subject_title = None;
        assert_eq!((fanout.actor(), fanout.subject()), (UserId(7), None));
    }

    #[test]
    fn a_finished_fanout_writes_nothing() {
        for state in [FanoutState::Done, FanoutState::Abandoned] {
            let fanout = fanout(NotificationKind::NewVod, state);
            assert_eq!(fanout.step(0), Step::Ended);
            assert_eq!(fanout.advance(0, &page(&[1], false)), Ok(Advance::AlreadyWritten));
        }
    }

    #[test]
    fn a_single_recipient_needs_no_followers() {
        let fanout = fanout(NotificationKind::NewFollower, FanoutState::Running { after: 0 });
        assert_eq!(fanout.step(0), Step::NotifyUser);
        assert_eq!(
            fanout.advance(0, &page(&[1], false)),
            Ok(Advance::To(FanoutState::Done))
        );
    }

    #[test]
    fn unsorted_page_is_rejected() {
        let fanout = fanout(NotificationKind::StreamStarted, FanoutState::Running { after: 5 });
        for bad in [
            page(&[5], true),
            page(&[4], true),
            page(&[6, 6], true),
            page(&[8, 7], false),
        ] {
            assert_eq!(fanout.advance(5, &bad), Err(UnsortedPage), "{bad:?}");
        }
        assert_eq!(
            fanout.advance(5, &page(&[], true)),
            Ok(Advance::To(FanoutState::Done))
        );
    }

    #[test]
    fn retry_delay_doubles_up_to_a_minute() {
        let seconds: Vec<_> = [0, 1, 2, 3, 6, 100].map(|n| retry_delay(n).as_secs()).into();
        assert_eq!(seconds, [2, 2, 4, 8, 60, 60]);
    }

    proptest! {
        /// Every follower is notified exactly once, and nobody else, however jobs are repeated or reordered.
        #[test]
        fn every_follower_is_notified_once(
            followers in prop::collection::btree_set(1_i64..500, 0..60),
            size in 1_usize..9,
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
        ) {
            let mut fanout = fanout(NotificationKind::StreamStarted, FanoutState::Running { after: 0 });
            let mut notified = BTreeMap::<i64, u32>::new();
            let mut jobs = vec![0];
            let mut picks = picks.into_iter();
            while fanout.state != FanoutState::Done {
                // Any earlier job may run again; once the picks are used up, the newest job runs.
                let job = picks.next().map_or(jobs[jobs.len() - 1], |pick| *pick.get(&jobs));
                if !matches!(fanout.step(job), Step::FetchFollowers) {
                    continue;
                }
                let mut users: Vec<_> = followers.range(job + 1..).copied().collect();
                let has_more = users.len() > size;
                users.truncate(size);
                if let Advance::To(state) = fanout.advance(job, &page(&users, has_more)).unwrap() {
                    for user in users {
                        *notified.entry(user).or_default() += 1;
                    }
                    fanout.state = state;
                    if let FanoutState::Running { after } = state {
                        jobs.push(after);
                    }
                }
            }
            prop_assert!(notified.keys().eq(&followers), "{:?} of {:?}", notified.keys(), followers);
            prop_assert!(notified.values().all(|times| *times == 1));
        }
    }
}
