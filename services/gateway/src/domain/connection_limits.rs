//! How many sockets a user and an address may have.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;

use primitives::{Error, ErrorKind, UserId};

/// Maximum numbers of sockets at once; 0 means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    pub(crate) per_user: usize,
    pub(crate) per_address: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitReached {
    User,
    Address,
}

/// Counts the sockets, which have ids of type `S`, by user and by address.
#[derive(Debug)]
pub(crate) struct ConnectionCounts<S> {
    limits: ConnectionLimits,
    sockets: HashMap<S, Counted>,
    users: HashMap<UserId, HashSet<S>>,
    addresses: HashMap<IpAddr, usize>,
}

/// What a socket is counted for.
#[derive(Debug)]
struct Counted {
    user: Option<UserId>,
    address: Option<IpAddr>,
}

impl<S: Copy + Eq + Hash> ConnectionCounts<S> {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            sockets: HashMap::new(),
            users: HashMap::new(),
            addresses: HashMap::new(),
        }
    }

    /// Counts a socket unless a limit is reached. `address` is the network that the socket is counted for.
    pub(crate) fn add(
        &mut self,
        socket: S,
        user: Option<UserId>,
        address: Option<IpAddr>,
    ) -> Result<(), LimitReached> {
        self.check_user(user)?;
        let count = address.and_then(|address| self.addresses.get(&address));
        if count.is_some_and(|count| is_full(*count, self.limits.per_address)) {
            return Err(LimitReached::Address);
        }
        if let Some(address) = address {
            *self.addresses.entry(address).or_default() += 1;
        }
        self.add_user(socket, user);
        self.sockets.insert(socket, Counted { user, address });
        Ok(())
    }

    /// Stops counting a socket. Idempotent.
    pub(crate) fn remove(&mut self, socket: S) {
        let Some(Counted { user, address }) = self.sockets.remove(&socket) else {
            return;
        };
        self.remove_user(socket, user);
        if let Some(address) = address
            && let Some(count) = self.addresses.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    /// Counts a socket for another user, or for none. Changes nothing if the new user's limit is reached.
    pub(crate) fn set_user(&mut self, socket: S, user: Option<UserId>) -> Result<(), LimitReached> {
        let before = match self.sockets.get(&socket) {
            Some(counted) if counted.user != user => counted.user,
            _ => return Ok(()),
        };
        self.check_user(user)?;
        self.remove_user(socket, before);
        self.add_user(socket, user);
        if let Some(counted) = self.sockets.get_mut(&socket) {
            counted.user = user;
        }
        Ok(())
    }

    pub(crate) fn has_user(&self, user: UserId) -> bool {
        self.users.contains_key(&user)
    }

    pub(crate) fn of_user(&self, user: UserId) -> Vec<S> {
        self.users.get(&user).into_iter().flatten().copied().collect()
    }

    fn check_user(&self, user: Option<UserId>) -> Result<(), LimitReached> {
        let count = user.and_then(|user| self.users.get(&user)).map(HashSet::len);
        if count.is_some_and(|count| is_full(count, self.limits.per_user)) {
            Err(LimitReached::User)
        } else {
            Ok(())
        }
    }

    fn add_user(&mut self, socket: S, user: Option<UserId>) {
        if let Some(user) = user {
            self.users.entry(user).or_default().insert(socket);
        }
    }

    fn remove_user(&mut self, socket: S, user: Option<UserId>) {
        let Some(user) = user else { return };
        if let Some(sockets) = self.users.get_mut(&user) {
            sockets.remove(&socket);
            if sockets.is_empty() {
                self.users.remove(&user);
            }
        }
    }
}

fn is_full(count: usize, limit: usize) -> bool {
    limit > 0 && count >= limit
}

impl From<LimitReached> for Error {
    fn from(full: LimitReached) -> Self {
        let (code, detail) = match full {
            LimitReached::User => ("socket.too_many_for_user", "This user has too many connections."),
            LimitReached::Address => (
                "socket.too_many_for_address",
                "This address has too many connections.",
            ),
        };
        Self::new(ErrorKind::RateLimited, code, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANN: Option<UserId> = Some(UserId(7));
    const BOB: Option<UserId> = Some(UserId(8));

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([203, 0, 113, last]))
    }

    fn counts(per_user: usize, per_address: usize) -> ConnectionCounts<u8> {
        ConnectionCounts::new(ConnectionLimits {
            per_user,
            per_address,
        })
    }

    #[test]
    fn users_are_limited_across_addresses() {
        let mut counts = counts(2, 0);
        assert_eq!(counts.add(1, ANN, address(1)), Ok(()));
        assert_eq!(counts.add(2, ANN, address(2)), Ok(()));
        assert_eq!(counts.add(3, ANN, address(3)), Err(LimitReached::User));
        assert_eq!(counts.add(3, BOB, address(3)), Ok(()));
        counts.remove(1);
        assert_eq!(counts.add(4, ANN, address(1)), Ok(()));
        let mut sockets = counts.of_user(UserId(7));
        sockets.sort_unstable();
        assert_eq!(sockets, [2, 4]);
    }

    #[test]
    fn addresses_are_limited_across_users() {
        let mut counts = counts(0, 2);
        assert_eq!(counts.add(1, None, address(1)), Ok(()));
        assert_eq!(counts.add(2, ANN, address(1)), Ok(()));
        assert_eq!(counts.add(3, BOB, address(1)), Err(LimitReached::Address));
        assert_eq!(counts.add(3, BOB, address(2)), Ok(()));
        counts.remove(2);
        counts.remove(2);
        assert_eq!(counts.add(4, None, address(1)), Ok(()), "removal frees one slot");
        assert_eq!(
            counts.add(5, None, address(1)),
            Err(LimitReached::Address),
            "only one"
        );
    }

    #[test]
    fn sign_in_counts_toward_the_limit_of_the_user() {
        let mut counts = counts(1, 0);
        assert_eq!(counts.add(1, ANN, None), Ok(()));
        assert_eq!(counts.add(2, None, None), Ok(()));
        assert_eq!(counts.set_user(1, ANN), Ok(()), "the same user");
        assert_eq!(counts.set_user(2, ANN), Err(LimitReached::User));
        assert_eq!(counts.set_user(2, BOB), Ok(()));
        assert_eq!(counts.set_user(1, None), Ok(()));
        assert_eq!(counts.set_user(2, ANN), Ok(()));
        assert_eq!(
            (counts.of_user(UserId(7)), counts.of_user(UserId(8))),
            (vec![2], vec![])
        );
        assert_eq!(counts.set_user(9, ANN), Ok(()), "unknown socket");
        assert_eq!(counts.of_user(UserId(7)), [2]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add(u8, Option<i64>, u8),
        Remove(u8),
        SetUser(u8, Option<i64>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let user = || prop::option::of(1_i64..4);
        prop_oneof![
            (0_u8..12, user(), 0_u8..3).prop_map(|(socket, user, from)| Step::Add(socket, user, from)),
            (0_u8..12).prop_map(Step::Remove),
            (0_u8..12, user()).prop_map(|(socket, user)| Step::SetUser(socket, user)),
        ]
    }

    proptest! {
        /// Compares with a simple model: a map of sockets.
        #[test]
        fn counts_match_the_sockets(steps in prop::collection::vec(step(), 0..200)) {
            let mut counts = counts(3, 4);
            let mut model: HashMap<u8, (Option<UserId>, Option<IpAddr>)> = HashMap::new();
            for step in steps {
                let users = |user: Option<UserId>| model.values().filter(|(u, _)| user.is_some() && *u == user).count();
                match step {
                    Step::Add(socket, user, from) if !model.contains_key(&socket) => {
                        let (user, from) = (user.map(UserId), address(from));
                        let count = model.values().filter(|(_, a)| *a == from).count();
                        let fits = users(user) < 3 && count < 4;
                        prop_assert_eq!(counts.add(socket, user, from).is_ok(), fits);
                        if fits {
                            model.insert(socket, (user, from));
                        }
                    }
                    Step::Add(..) => {}
                    Step::Remove(socket) => {
                        counts.remove(socket);
                        model.remove(&socket);
                    }
                    Step::SetUser(socket, user) => {
                        let user = user.map(UserId);
                        let before = model.get(&socket).map(|(user, _)| *user);
                        let fits = before.is_none() || before == Some(user) || users(user) < 3;
                        prop_assert_eq!(counts.set_user(socket, user).is_ok(), fits);
                        if fits && let Some(counted) = model.get_mut(&socket) {
                            counted.0 = user;
                        }
                    }
                }
                let kept: usize = counts.addresses.values().sum();
                prop_assert_eq!(kept, model.len());
                for user in (1..4).map(UserId) {
                    let count = model.values().filter(|(u, _)| *u == Some(user)).count();
                    prop_assert_eq!(counts.of_user(user).len(), count);
                }
            }
        }
    }
}
