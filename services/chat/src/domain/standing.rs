use primitives::{Role, UserId};

/// What a room's own lists say of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The owner made them a moderator.
    pub moderator: bool,
    /// They may not speak now.
    pub banned: bool,
}

/// What somebody is in a room, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// May watch but not speak.
    Banned,
    /// May watch and speak.
    Viewer,
    /// Keeps order: the room's own moderators, and those of the whole site.
    Moderator,
    /// Whose stream it is.
    Owner,
    /// May do everything everywhere.
    Admin,
}

impl Standing {
    /// Somebody's standing. No ban holds against the owner or an admin; any other moderator who is banned is
    /// one no more, and cannot let themselves in again.
    #[must_use]
    pub fn of(user: UserId, role: Role, owner: UserId, place: Place) -> Self {
        match role {
            Role::Admin => Self::Admin,
            _ if user == owner => Self::Owner,
            _ if place.banned => Self::Banned,
            Role::Moderator => Self::Moderator,
            Role::User if place.moderator => Self::Moderator,
            Role::User => Self::Viewer,
        }
    }

    /// May change settings, ban, delete and read what only moderators may.
    #[must_use]
    pub fn moderates(self) -> bool {
        self >= Self::Moderator
    }

    /// May make moderators.
    #[must_use]
    pub fn appoints(self) -> bool {
        self >= Self::Owner
    }

    /// May ban somebody of this standing: only those below, so neither a moderator another, nor anybody the
    /// owner or an admin.
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

    fn place(moderator: bool, banned: bool) -> Place {
        Place { moderator, banned }
    }

    #[test]
    fn roles_lists_and_ownership_make_the_standing() {
        let of = |user, role, moderator, banned| Standing::of(user, role, OWNER, place(moderator, banned));
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
    fn nobody_bans_the_owner_or_an_admin_and_no_moderator_another() {
        for (by, most) in [
            (Standing::Moderator, Some(Standing::Viewer)),
            (Standing::Owner, Some(Standing::Moderator)),
            (Standing::Admin, Some(Standing::Moderator)),
            (Standing::Viewer, None),
            (Standing::Banned, None),
        ] {
            for target in ALL {
                assert_eq!(
                    by.may_ban(target),
                    most.is_some_and(|most| target <= most),
                    "{by:?} {target:?}"
                );
            }
        }
    }

    proptest! {
        /// Whoever could ban somebody is not banned themselves, and outranks them after it.
        #[test]
        fn a_ban_never_turns_against_its_author(
            user in 1_i64..4, role in 0..3_usize, moderator: bool, banned: bool, target in 0..5_usize,
        ) {
            let role = [Role::User, Role::Moderator, Role::Admin][role];
            let standing = Standing::of(UserId(user), role, OWNER, place(moderator, banned));
            if standing.may_ban(ALL[target]) {
                prop_assert!(standing.moderates() && standing > ALL[target]);
                prop_assert!(!ALL[target].appoints());
            }
        }
    }
}
