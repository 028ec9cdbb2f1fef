//! How often one party may ask: requests fall into groups, each with a rate of its own.

use primitives::Rate;

/// Requests that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    /// Registering, signing in, renewing: a guess costs us a hash. Counted by address, whoever the token says
    /// it is.
    SignIn,
    /// Files that take long and much.
    Upload,
    /// Everything else that changes something.
    Write,
    /// Everything that only looks.
    Read,
}

impl Group {
    /// The group of a request; what is not the API is not counted.
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

/// The rates of the groups; a burst of 0 means that a group is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) sign_ins: Rate,
    pub(crate) uploads: Rate,
    pub(crate) writes: Rate,
    pub(crate) reads: Rate,
}

impl Limits {
    /// The rate of a group, if it has one.
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
    fn requests_have_their_groups() {
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
    fn nothing_at_once_means_no_limit() {
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
