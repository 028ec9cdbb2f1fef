//! What a VOD is to whom.

use std::time::Duration;

use primitives::{Role, StreamId, UserId};

/// A recording that is shorter is no VOD: somebody pressed the button and thought better of it.
pub const SHORTEST_SECONDS: f64 = 1.0;

/// Pixels of a picture at most, those of 8K: a small file may claim any size, and encoding it takes memory
/// for all of them.
pub const MOST_PIXELS: u64 = 7680 * 4320;

/// Whether a VOD can be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not yet.
    Processing,
    /// Yes.
    Ready,
    /// It never will be, unless its owner tries again.
    Failed,
}

impl Status {
    /// The name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// The status of a name in the database.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Processing, Self::Ready, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The account.
    pub id: UserId,
    /// What it may do.
    pub role: Role,
}

/// Whether somebody may change a user's VOD: its owner, and admins.
#[must_use]
pub fn may_change(owner: UserId, viewer: Option<Viewer>) -> bool {
    viewer.is_some_and(|viewer| viewer.id == owner || viewer.role == Role::Admin)
}

/// Whether somebody may see a VOD: everyone when it is ready, else those who may change it.
#[must_use]
pub fn may_see(status: Status, owner: UserId, viewer: Option<Viewer>) -> bool {
    status == Status::Ready || may_change(owner, viewer)
}

/// Which VODs a list includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Visibility {
    #[default]
    Ready,
    /// Ready VODs of everyone, and all VODs of this user.
    ReadyOrOwnedBy(UserId),
    All,
}

/// Returns which VODs a viewer sees in the list of a user, of a stream, or of everything. Lists of a user or a
/// stream include the viewer's own unfinished VODs, and for admins those of everyone.
#[must_use]
pub fn list_visibility(user: Option<UserId>, stream: Option<StreamId>, viewer: Option<Viewer>) -> Visibility {
    match viewer {
        Some(viewer) if viewer.role == Role::Admin && (user.is_some() || stream.is_some()) => Visibility::All,
        Some(viewer) if user.is_none() && stream.is_some() || user == Some(viewer.id) => {
            Visibility::ReadyOrOwnedBy(viewer.id)
        }
        _ => Visibility::Ready,
    }
}

/// Where in a video its picture is taken: not in the first moments, which are often black.
#[must_use]
pub fn thumbnail_time(duration_seconds: f64) -> Duration {
    Duration::try_from_secs_f64((duration_seconds * 0.2).min(10.0)).unwrap_or_default()
}

/// Why a VOD failed, in its owner's words.
pub mod failure {
    /// The file cannot be read as a video.
    pub const DAMAGED: &str = "The recording is damaged and cannot be read.";
    /// An uploaded file cannot be read as a video.
    pub const UNREADABLE: &str = "The file is damaged and cannot be read as a video.";
    /// An uploaded file has no pictures.
    pub const NO_VIDEO: &str = "The file holds no video.";
    /// More than [`MOST_PIXELS`](super::MOST_PIXELS).
    pub const TOO_MANY_PIXELS: &str = "The picture of the video is larger than 8K.";
    /// The uploaded or imported object is gone.
    pub const SOURCE_MISSING: &str = "The file is no longer in the video storage.";
    /// The file was not on the media node.
    pub const MISSING: &str = "The recording is no longer on the media server.";
    /// The bucket did not take it.
    pub const STORAGE: &str = "The video storage did not take the video.";
    /// Anything else.
    pub const PROCESSING: &str = "The recording could not be processed.";
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: UserId = UserId(1);

    fn viewer(id: i64, role: Role) -> Option<Viewer> {
        Some(Viewer { id: UserId(id), role })
    }

    #[test]
    fn what_is_not_ready_is_for_its_owner_and_admins() {
        for status in [Status::Processing, Status::Failed] {
            assert!(may_see(status, OWNER, viewer(1, Role::User)));
            assert!(may_see(status, OWNER, viewer(2, Role::Admin)));
            assert!(!may_see(status, OWNER, viewer(2, Role::Moderator)));
            assert!(!may_see(status, OWNER, None));
        }
        assert!(may_see(Status::Ready, OWNER, None));
        assert!(!may_change(OWNER, viewer(2, Role::Moderator)));
    }

    #[test]
    fn lists_of_a_user_or_stream_include_the_viewers_own_vods() {
        let (user, stream) = (Some(OWNER), Some(StreamId(3)));
        for (user, stream) in [(user, None), (None, stream), (user, stream)] {
            let visibility = |viewer| list_visibility(user, stream, viewer);
            assert_eq!(visibility(None), Visibility::Ready);
            assert_eq!(visibility(viewer(2, Role::Admin)), Visibility::All);
            for role in [Role::User, Role::Moderator] {
                assert_eq!(visibility(viewer(1, role)), Visibility::ReadyOrOwnedBy(OWNER));
            }
        }
        assert_eq!(
            list_visibility(user, stream, viewer(2, Role::User)),
            Visibility::Ready
        );
        assert_eq!(
            list_visibility(None, None, viewer(2, Role::Admin)),
            Visibility::Ready
        );
    }

    #[test]
    fn a_status_comes_back_by_its_name() {
        for status in [Status::Processing, Status::Ready, Status::Failed] {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("live"), None);
    }

    #[test]
    fn the_picture_is_inside_the_video() {
        assert_eq!(thumbnail_time(3600.0), Duration::from_secs(10));
        assert_eq!(thumbnail_time(5.0), Duration::from_secs(1));
        assert_eq!(thumbnail_time(f64::NAN), Duration::from_secs(10));
        assert_eq!(thumbnail_time(-1.0), Duration::ZERO);
    }
}
