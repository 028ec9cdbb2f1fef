use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use primitives::{BroadcastId, StreamId, UserId, VodId};

/// The kinds of notification; also the names of the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody follows the user.
    NewFollower,
    /// Somebody whom the user follows is live.
    StreamStarted,
    /// Somebody whom the user follows has a new video.
    NewVod,
}

impl Kind {
    /// The name in rows, jobs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewFollower => "new_follower",
            Self::StreamStarted => "stream_started",
            Self::NewVod => "new_vod",
        }
    }

    /// What the related entity is.
    #[must_use]
    pub fn entity_type(self) -> &'static str {
        match self {
            Self::NewFollower => "user",
            Self::StreamStarted => "stream",
            Self::NewVod => "vod",
        }
    }

    /// Who is told.
    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Self::NewFollower => Audience::User,
            Self::StreamStarted | Self::NewVod => Audience::Followers,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no kind of notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of notification")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        [Self::NewFollower, Self::StreamStarted, Self::NewVod]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or(UnknownKind)
    }
}

/// Who is told of an occasion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The user of the fan-out alone.
    User,
    /// All who follow the user of the fan-out.
    Followers,
}

/// A fact that users are told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// `follower` follows `user` since `at`.
    NewFollower {
        /// Who is followed, and told.
        user: UserId,
        /// Who follows.
        follower: UserId,
        /// The follower's name as people see it.
        name: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// `user` is live.
    StreamStarted {
        /// The streamer.
        user: UserId,
        /// The stream.
        stream: StreamId,
        /// This time on air.
        broadcast: BroadcastId,
        /// The streamer's name as people see it.
        name: String,
        /// The stream's title.
        title: String,
    },
    /// `user` has a new video.
    NewVod {
        /// The uploader or streamer.
        user: UserId,
        /// The video.
        vod: VodId,
        /// The user's name as people see it.
        name: String,
        /// The video's title.
        title: String,
    },
}

impl Occasion {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NewFollower { .. } => Kind::NewFollower,
            Self::StreamStarted { .. } => Kind::StreamStarted,
            Self::NewVod { .. } => Kind::NewVod,
        }
    }

    /// Whose followers are told; of a new follower the one who is told.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Self::NewFollower { user, .. } | Self::StreamStarted { user, .. } | Self::NewVod { user, .. } => {
                *user
            }
        }
    }

    /// Who gave the occasion.
    #[must_use]
    pub fn actor(&self) -> UserId {
        match self {
            Self::NewFollower { follower, .. } => *follower,
            Self::StreamStarted { user, .. } | Self::NewVod { user, .. } => *user,
        }
    }

    /// The id of what the notification leads to.
    #[must_use]
    pub fn entity_id(&self) -> i64 {
        match self {
            Self::NewFollower { follower, .. } => follower.0,
            Self::StreamStarted { stream, .. } => stream.0,
            Self::NewVod { vod, .. } => vod.0,
        }
    }

    /// Two occasions with one key are one notification for a user: a time on air, a video, a follower on one
    /// day (UTC), so that following and unfollowing a thousand times is one notification.
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

    /// The sentence that the user reads.
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
    fn a_follower_is_news_once_a_day() {
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
    fn the_day_is_that_of_utc() {
        assert_eq!(
            follow(2, "2026-11-23T01:00:00+07:00").dedupe_key(),
            "new_follower:2:2026-11-22"
        );
    }

    #[test]
    fn each_time_on_air_is_news() {
        assert_eq!(live(9).dedupe_key(), "stream_started:9");
        assert_ne!(live(9).dedupe_key(), live(10).dedupe_key());
        assert_eq!((live(9).entity_id(), live(9).kind().entity_type()), (7, "stream"));
        assert_eq!(live(9).message(), "Lan is live: Chess");
    }

    #[test]
    fn a_video_is_news_once() {
        let vod = Occasion::NewVod {
            user: UserId(1),
            vod: VodId(5),
            name: "Lan".into(),
            title: "Chess".into(),
        };
        assert_eq!(vod.dedupe_key(), "new_vod:5");
        assert_eq!(vod.message(), "Lan published a new video: Chess");
        assert_eq!((vod.actor(), vod.entity_id()), (UserId(1), 5));
    }

    #[test]
    fn the_actor_of_a_follow_is_the_follower() {
        let follow = follow(2, "2026-11-22T00:00:00Z");
        assert_eq!(
            (follow.user(), follow.actor(), follow.entity_id()),
            (UserId(1), UserId(2), 2)
        );
        assert_eq!(follow.message(), "Lan is now following you.");
    }

    #[test]
    fn a_kind_has_one_name() {
        for kind in [Kind::NewFollower, Kind::StreamStarted, Kind::NewVod] {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("NewVod".parse::<Kind>(), Err(UnknownKind));
    }
}
