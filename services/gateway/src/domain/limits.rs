//! Rate limits of requests: each group of requests has its own rate.

use primitives::Rate;

/// Requests that count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    /// Registration, sign-in and refresh, where each guess costs us a hash. Counted by address, whatever the
    /// token.
    SignIn,
    /// Uploads and imports of videos.
    Upload,
    /// All other changes.
    Write,
    Read,
}

impl Group {
    /// Returns the group of a request; only requests to the API have one.
    pub(crate) fn of(method: &str, path: &str) -> Option<Self> {
        let path = path.strip_prefix("/api/")?;
        Some(match (method, path.trim_end_matches('/')) {
            ("OPTIONS", _) => return None,
            ("GET" | "HEAD", _) => Self::Read,
            (_, "users/register" | "users/login" | "users/refresh") => Self::SignIn,
            (_, "vod/upload-local" | "vod/upload") => Self::Upload,
            _ => Self::Write,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Upload => "upload",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// The rates of the groups; a burst of 0 disables a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) sign_ins: Rate,
    pub(crate) uploads: Rate,
    pub(crate) writes: Rate,
    pub(crate) reads: Rate,
}

impl Limits {
    /// Returns the rate of a group, if it is limited.
    pub(crate) fn of(&self, group: Group) -> Option<Rate> {
        let rate = match group {
            Group::SignIn => self.sign_ins,
            Group::Upload => self.uploads,
            Group::Write => self.writes,
            Group::Read => self.reads,
        };
        (rate.burst > 0).then_some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_its_group() {
        let cases = [
            ("GET", "/api/streams", Some(Group::Read)),
            ("HEAD", "/api/vod/1", Some(Group::Read)),
            ("POST", "/api/users/login", Some(Group::SignIn)),
            ("POST", "/api/users/login/", Some(Group::SignIn)),
            ("GET", "/api/users/login", Some(Group::Read)),
            ("POST", "/api/vod/upload-local", Some(Group::Upload)),
            ("DELETE", "/api/streams/1", Some(Group::Write)),
            ("BREW", "/api/streams/1", Some(Group::Write)),
            ("OPTIONS", "/api/streams", None),
            ("GET", "/docs", None),
            ("POST", "/apix", None),
        ];
        for (method, path, group) in cases {
            assert_eq!(Group::of(method, path), group, "{method} {path}");
        }
    }

    #[test]
    fn burst_of_zero_disables_limit() {
        let rate = Rate::per_minute(5);
        let limits = Limits {
            sign_ins: rate,
            uploads: rate,
            writes: rate,
            reads: Rate::per_minute(0),
        };
        assert_eq!(limits.of(Group::Write), Some(rate));
        assert_eq!(limits.of(Group::Read), None);
    }
}
