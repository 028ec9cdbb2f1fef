//! Visibility and permissions of VODs.

use std::time::Duration;

use primitives::{Role, StreamId, UserId};

use super::UnknownName;

/// Shorter recordings are discarded: they come from streams that were started by mistake.
pub const MIN_RECORDING_SECONDS: f64 = 1.0;

/// Pixels per frame (8K). A small file may claim any size, and transcoding needs memory for all pixels.
pub const MAX_VIDEO_PIXELS: u64 = 7680 * 4320;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VodStatus {
    Processing,
    /// Can be watched.
    Ready,
    /// Cannot be watched, unless its owner retries successfully.
    Failed,
}

impl VodStatus {
    const ALL: [Self; 3] = [Self::Processing, Self::Ready, Self::Failed];

    /// Returns the name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

impl TryFrom<&str> for VodStatus {
    type Error = UnknownName;

    fn try_from(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == name);
        found.ok_or(UnknownName)
    }
}

/// The signed-in user who makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    pub id: UserId,
    pub role: Role,
}

/// Returns whether the viewer may change the VODs of `owner`: the owner and admins may.
#[must_use]
pub fn may_change(owner: UserId, viewer: Option<Viewer>) -> bool {
    viewer.is_some_and(|viewer| viewer.id == owner || viewer.role == Role::Admin)
}

/// Returns whether the viewer may see a VOD: everyone if it is ready, and else those who may change it.
#[must_use]
pub fn may_see(status: VodStatus, owner: UserId, viewer: Option<Viewer>) -> bool {
    status == VodStatus::Ready || may_change(owner, viewer)
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

/// Returns which VODs a viewer sees in the list of a user, of a stream, or of everything. Lists of a user or
/// a stream include the viewer's own unfinished VODs, and for admins those of everyone.
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

/// Returns the time of the frame to use as thumbnail. Skips the beginning, which is often black.
#[must_use]
pub fn thumbnail_time(duration_seconds: f64) -> Duration {
    Duration::try_from_secs_f64((duration_seconds * 0.2).min(10.0)).unwrap_or_default()
}

/// Failure reasons that the owner of a VOD sees.
pub mod failure_reason {
    pub const DAMAGED: &str = "The recording is damaged and cannot be read.";
    pub const UNREADABLE: &str = "The file is damaged and cannot be read as a video.";
    pub const NO_VIDEO: &str = "The file contains no video.";
    /// More than [`MAX_VIDEO_PIXELS`](super::MAX_VIDEO_PIXELS) pixels.
    pub const TOO_MANY_PIXELS: &str = "The video resolution is higher than 8K.";
    /// The uploaded or imported object does not exist any more.
    pub const SOURCE_MISSING: &str = "The file is no longer in the video storage.";
    pub const MISSING: &str = "The recording is no longer on the media server.";
    pub const STORAGE: &str = "The video could not be stored.";
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
    fn unfinished_vods_are_visible_to_their_owner_and_admins() {
        for status in [VodStatus::Processing, VodStatus::Failed] {
            assert!(may_see(status, OWNER, viewer(1, Role::User)));
            assert!(may_see(status, OWNER, viewer(2, Role::Admin)));
            assert!(!may_see(status, OWNER, viewer(2, Role::Moderator)));
            assert!(!may_see(status, OWNER, None));
        }
        assert!(may_see(VodStatus::Ready, OWNER, None));
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
    fn status_round_trip() {
        for status in VodStatus::ALL {
            assert_eq!(VodStatus::try_from(status.as_str()), Ok(status));
        }
        assert_eq!(VodStatus::try_from("live"), Err(UnknownName));
    }

    #[test]
    fn thumbnail_time_is_within_the_video() {
        assert_eq!(thumbnail_time(3600.0), Duration::from_secs(10));
        assert_eq!(thumbnail_time(5.0), Duration::from_secs(1));
        assert_eq!(thumbnail_time(f64::NAN), Duration::from_secs(10));
        assert_eq!(thumbnail_time(-1.0), Duration::ZERO);
    }
}
