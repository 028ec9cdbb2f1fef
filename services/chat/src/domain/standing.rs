use primitives::{Role, UserId};

/// A user's entries in the lists of one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Membership {
    pub moderator: bool,
    /// Whether a chat ban is active.
    pub banned: bool,
}

/// A user's rank in a room, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// May read but not send.
    Banned,
    /// May read and send.
    Viewer,
    /// A moderator of the room, or of the whole site.
    Moderator,
    /// The streamer.
    Owner,
    Admin,
}

impl Standing {
    /// Combines role, ownership and membership. A ban does not affect the owner or an admin. It suspends
    /// every other moderator, so that they cannot lift their own ban.
    #[must_use]
    pub fn of(user: UserId, role: Role, owner: UserId, membership: Membership) -> Self {
        match role {
            Role::Admin => Self::Admin,
            _ if user == owner => Self::Owner,
            _ if membership.banned => Self::Banned,
            Role::Moderator => Self::Moderator,
            Role::User if membership.moderator => Self::Moderator,
            Role::User => Self::Viewer,
        }
    }

    /// Whether they may change settings, ban users, delete messages and read the lists of moderation.
    #[must_use]
    pub fn moderates(self) -> bool {
        self >= Self::Moderator
    }

    /// Whether they may add and remove moderators.
    #[must_use]
    pub fn manages_moderators(self) -> bool {
        self >= Self::Owner
    }

    /// Whether they may ban a user of rank `target`. Only lower ranks can be banned, and never the owner or
    /// an admin.
    #[must_use]
    pub fn may_ban(self, target: Self) -> bool {
        self.moderates() && self > target && target < Self::Owner
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWNER: UserId = UserId(1);
    const OTHER: UserId = UserId(2);
    const ALL: [Standing; 5] = [
        Standing::Banned,
        Standing::Viewer,
        Standing::Moderator,
        Standing::Owner,
        Standing::Admin,
    ];

    fn membership(moderator: bool, banned: bool) -> Membership {
        Membership { moderator, banned }
    }

    #[test]
    fn standing_follows_from_role_ownership_and_lists() {
        let of =
            |user, role, moderator, banned| Standing::of(user, role, OWNER, membership(moderator, banned));
        assert_eq!(of(OTHER, Role::User, false, false), Standing::Viewer);
        assert_eq!(of(OTHER, Role::User, true, false), Standing::Moderator);
        assert_eq!(of(OTHER, Role::Moderator, false, false), Standing::Moderator);
        assert_eq!(of(OWNER, Role::User, false, false), Standing::Owner);
        assert_eq!(of(OWNER, Role::Moderator, false, true), Standing::Owner);
        assert_eq!(of(OTHER, Role::Admin, false, true), Standing::Admin);
        for (role, moderator) in [(Role::User, false), (Role::User, true), (Role::Moderator, false)] {
            assert_eq!(of(OTHER, role, moderator, true), Standing::Banned, "{role:?}");
        }
    }

    #[test]
    fn only_lower_ranks_can_be_banned() {
        for (by, highest) in [
            (Standing::Moderator, Some(Standing::Viewer)),
            (Standing::Owner, Some(Standing::Moderator)),
            (Standing::Admin, Some(Standing::Moderator)),
            (Standing::Viewer, None),
            (Standing::Banned, None),
        ] {
            for target in ALL {
                assert_eq!(
                    by.may_ban(target),
                    highest.is_some_and(|highest| target <= highest),
                    "{by:?} {target:?}"
                );
            }
        }
    }

    proptest! {
        /// A user who may ban another is not banned and outranks the other.
        #[test]
        fn banning_requires_a_higher_rank(
            user in 1_i64..4, role in 0..3_usize, moderator: bool, banned: bool, target in 0..5_usize,
        ) {
            let role = [Role::User, Role::Moderator, Role::Admin][role];
            let standing = Standing::of(UserId(user), role, OWNER, membership(moderator, banned));
            if standing.may_ban(ALL[target]) {
                prop_assert!(standing.moderates() && standing > ALL[target]);
                prop_assert!(!ALL[target].manages_moderators());
            }
        }
    }
}
