use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use primitives::{BroadcastId, StreamId, UserId, VodId};

/// The type of a notification; also the name of its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    /// Another user follows the recipient.
    NewFollower,
    /// A user that the recipient follows went live.
    StreamStarted,
    /// A user that the recipient follows published a VOD.
    NewVod,
}

impl NotificationKind {
    const ALL: [Self; 3] = [Self::NewFollower, Self::StreamStarted, Self::NewVod];

    /// The name in rows, jobs and responses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewFollower => "new_follower",
            Self::StreamStarted => "stream_started",
            Self::NewVod => "new_vod",
        }
    }

    /// The type of the related entity.
    #[must_use]
    pub fn entity_type(self) -> &'static str {
        match self {
            Self::NewFollower => "user",
            Self::StreamStarted => "stream",
            Self::NewVod => "vod",
        }
    }

    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Self::NewFollower => Audience::User,
            Self::StreamStarted | Self::NewVod => Audience::Followers,
        }
    }
}

impl fmt::Display for NotificationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of notification")]
pub struct UnknownKind;

impl FromStr for NotificationKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or(UnknownKind)
    }
}

/// Who receives the notification of a fan-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The fan-out's user alone.
    User,
    /// Every follower of the fan-out's user.
    Followers,
}

/// A fact that users are notified about. `name` is the actor's display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// `follower` has followed `user` since `at`.
    NewFollower {
        user: UserId,
        follower: UserId,
        name: String,
        at: DateTime<Utc>,
    },
    /// `user` went live.
    StreamStarted {
        user: UserId,
        stream: StreamId,
        broadcast: BroadcastId,
        name: String,
        title: String,
    },
    /// `user` published a VOD.
    NewVod {
        user: UserId,
        vod: VodId,
        name: String,
        title: String,
    },
}

impl Occasion {
    #[must_use]
    pub fn kind(&self) -> NotificationKind {
        match self {
            Self::NewFollower { .. } => NotificationKind::NewFollower,
            Self::StreamStarted { .. } => NotificationKind::StreamStarted,
            Self::NewVod { .. } => NotificationKind::NewVod,
        }
    }

    /// The user whose followers are notified; for a new follower, the user who is notified.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Self::NewFollower { user, .. } | Self::StreamStarted { user, .. } | Self::NewVod { user, .. } => {
                *user
            }
        }
    }

    /// The user who caused the notification.
    #[must_use]
    pub fn actor(&self) -> UserId {
        match self {
            Self::NewFollower { follower, .. } => *follower,
            Self::StreamStarted { user, .. } | Self::NewVod { user, .. } => *user,
        }
    }

    /// The id of the follower, stream or VOD that the notification links to.
    #[must_use]
    pub fn entity_id(&self) -> i64 {
        match self {
            Self::NewFollower { follower, .. } => follower.0,
            Self::StreamStarted { stream, .. } => stream.0,
            Self::NewVod { vod, .. } => vod.0,
        }
    }

    /// The title of the stream or VOD; `None` for a new follower.
    #[must_use]
    pub fn subject_title(&self) -> Option<&str> {
        match self {
            Self::NewFollower { .. } => None,
            Self::StreamStarted { title, .. } | Self::NewVod { title, .. } => Some(title),
        }
    }

    /// Occasions with the same key notify a user once: one broadcast, one VOD, or one follower per UTC day,
    /// so that following and unfollowing a thousand times is a single notification.
    #[must_use]
    pub fn dedupe_key(&self) -> String {
        match self {
            Self::NewFollower { follower, at, .. } => {
                format!("new_follower:{follower}:{}", at.format("%Y-%m-%d"))
            }
            Self::StreamStarted { broadcast, .. } => format!("stream_started:{broadcast}"),
            Self::NewVod { vod, .. } => format!("new_vod:{vod}"),
        }
    }

    /// The English sentence that the recipient reads.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NewFollower { name, .. } => format!("{name} is now following you."),
            Self::StreamStarted { name, title, .. } => format!("{name} is live: {title}"),
            Self::NewVod { name, title, .. } => format!("{name} published a new video: {title}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(follower: i64, at: &str) -> Occasion {
        let at = at.parse().unwrap();
        Occasion::NewFollower {
            user: UserId(1),
            follower: UserId(follower),
            name: "Lan".into(),
            at,
        }
    }

    fn live(broadcast: i64) -> Occasion {
        Occasion::StreamStarted {
            user: UserId(1),
            stream: StreamId(7),
            broadcast: BroadcastId(broadcast),
            name: "Lan".into(),
            title: "Chess".into(),
        }
    }

    #[test]
    fn a_follower_notifies_once_a_day() {
        let morning = follow(2, "2026-11-22T00:00:00Z");
        assert_eq!(morning.dedupe_key(), "new_follower:2:2026-11-22");
        assert_eq!(
            morning.dedupe_key(),
            follow(2, "2026-11-22T23:59:59.999Z").dedupe_key()
        );
        assert_ne!(
            morning.dedupe_key(),
            follow(2, "2026-11-23T00:00:00Z").dedupe_key()
        );
        assert_ne!(
            morning.dedupe_key(),
            follow(3, "2026-11-22T00:00:00Z").dedupe_key()
        );
    }

    #[test]
    fn days_are_utc_days() {
        assert_eq!(
            follow(2, "2026-11-23T01:00:00+07:00").dedupe_key(),
            "new_follower:2:2026-11-22"
        );
    }

    #[test]
    fn each_broadcast_notifies() {
        assert_eq!(live(9).dedupe_key(), "stream_started:9");
        assert_ne!(live(9).dedupe_key(), live(10).dedupe_key());
        assert_eq!((live(9).entity_id(), live(9).kind().entity_type()), (7, "stream"));
        assert_eq!(live(9).message(), "Lan is live: Chess");
        assert_eq!(live(9).subject_title(), Some("Chess"));
    }

    #[test]
    fn a_vod_notifies_once() {
        let vod = Occasion::NewVod {
            user: UserId(1),
            vod: VodId(5),
            name: "Lan".into(),
            title: "Chess".into(),
        };
        assert_eq!(vod.dedupe_key(), "new_vod:5");
        assert_eq!(vod.message(), "Lan published a new video: Chess");
        assert_eq!((vod.actor(), vod.entity_id()), (UserId(1), 5));
        assert_eq!(vod.subject_title(), Some("Chess"));
    }

    #[test]
    fn the_actor_of_a_follow_is_the_follower() {
        let follow = follow(2, "2026-11-22T00:00:00Z");
        assert_eq!(
            (follow.user(), follow.actor(), follow.entity_id()),
            (UserId(1), UserId(2), 2)
        );
        assert_eq!(follow.message(), "Lan is now following you.");
        assert_eq!(follow.subject_title(), None);
    }

    #[test]
    fn kind_names_round_trip() {
        for kind in NotificationKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("NewVod".parse::<NotificationKind>(), Err(UnknownKind));
    }
}
