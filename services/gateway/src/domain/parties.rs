//! Who is connected, by user and by address, and how many sockets each of them may have.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;

use primitives::{Error, ErrorKind, UserId};

/// Sockets that one party may have at once; 0 for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Most {
    pub(crate) per_user: usize,
    pub(crate) per_address: usize,
}

/// Whose sockets are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    User,
    Address,
}

/// All sockets, by their ids `S`. A place is looked for and taken in one step.
#[derive(Debug)]
pub(crate) struct Parties<S> {
    most: Most,
    sockets: HashMap<S, Party>,
    users: HashMap<UserId, HashSet<S>>,
    addresses: HashMap<IpAddr, usize>,
}

/// Whose places a socket has taken.
#[derive(Debug)]
struct Party {
    user: Option<UserId>,
    address: Option<IpAddr>,
}

impl<S: Copy + Eq + Hash> Parties<S> {
    pub(crate) fn new(most: Most) -> Self {
        Self {
            most,
            sockets: HashMap::new(),
            users: HashMap::new(),
            addresses: HashMap::new(),
        }
    }

    /// A socket comes; `address` is what its address is counted as.
    pub(crate) fn enter(
        &mut self,
        socket: S,
        user: Option<UserId>,
        address: Option<IpAddr>,
    ) -> Result<(), Full> {
        self.look_for_user(user)?;
        let there = address.and_then(|address| self.addresses.get(&address));
        if there.is_some_and(|there| is_full(*there, self.most.per_address)) {
            return Err(Full::Address);
        }
        if let Some(address) = address {
            *self.addresses.entry(address).or_default() += 1;
        }
        self.add_user(socket, user);
        self.sockets.insert(socket, Party { user, address });
        Ok(())
    }

    /// A socket goes, and gives back what it took. One that is not there gives nothing back.
    pub(crate) fn leave(&mut self, socket: S) {
        let Some(Party { user, address }) = self.sockets.remove(&socket) else {
            return;
        };
        self.drop_user(socket, user);
        if let Some(address) = address
            && let Some(there) = self.addresses.get_mut(&address)
        {
            *there -= 1;
            if *there == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    /// Somebody else is behind a socket from now on, or nobody. When the new user has too many sockets,
    /// nothing changes.
    pub(crate) fn identify(&mut self, socket: S, user: Option<UserId>) -> Result<(), Full> {
        let before = match self.sockets.get(&socket) {
            Some(party) if party.user != user => party.user,
            _ => return Ok(()),
        };
        self.look_for_user(user)?;
        self.drop_user(socket, before);
        self.add_user(socket, user);
        if let Some(party) = self.sockets.get_mut(&socket) {
            party.user = user;
        }
        Ok(())
    }

    /// The sockets of a user.
    pub(crate) fn of_user(&self, user: UserId) -> Vec<S> {
        self.users.get(&user).into_iter().flatten().copied().collect()
    }

    fn look_for_user(&self, user: Option<UserId>) -> Result<(), Full> {
        let there = user.and_then(|user| self.users.get(&user)).map(HashSet::len);
        if there.is_some_and(|there| is_full(there, self.most.per_user)) {
            Err(Full::User)
        } else {
            Ok(())
        }
    }

    fn add_user(&mut self, socket: S, user: Option<UserId>) {
        if let Some(user) = user {
            self.users.entry(user).or_default().insert(socket);
        }
    }

    fn drop_user(&mut self, socket: S, user: Option<UserId>) {
        let Some(user) = user else { return };
        if let Some(sockets) = self.users.get_mut(&user) {
            sockets.remove(&socket);
            if sockets.is_empty() {
                self.users.remove(&user);
            }
        }
    }
}

fn is_full(there: usize, most: usize) -> bool {
    most > 0 && there >= most
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        let (code, detail) = match full {
            Full::User => (
                "socket.too_many_for_user",
                "This user has too many connections already.",
            ),
            Full::Address => (
                "socket.too_many_for_address",
                "Too many connections come from this address.",
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

    fn parties(per_user: usize, per_address: usize) -> Parties<u8> {
        Parties::new(Most {
            per_user,
            per_address,
        })
    }

    #[test]
    fn a_user_has_so_many_sockets_wherever_they_come_from() {
        let mut parties = parties(2, 0);
        assert_eq!(parties.enter(1, ANN, address(1)), Ok(()));
        assert_eq!(parties.enter(2, ANN, address(2)), Ok(()));
        assert_eq!(parties.enter(3, ANN, address(3)), Err(Full::User));
        assert_eq!(parties.enter(3, BOB, address(3)), Ok(()));
        parties.leave(1);
        assert_eq!(parties.enter(4, ANN, address(1)), Ok(()));
        let mut sockets = parties.of_user(UserId(7));
        sockets.sort_unstable();
        assert_eq!(sockets, [2, 4]);
    }

    #[test]
    fn an_address_has_so_many_sockets_whoever_they_are() {
        let mut parties = parties(0, 2);
        assert_eq!(parties.enter(1, None, address(1)), Ok(()));
        assert_eq!(parties.enter(2, ANN, address(1)), Ok(()));
        assert_eq!(parties.enter(3, BOB, address(1)), Err(Full::Address));
        assert_eq!(parties.enter(3, BOB, address(2)), Ok(()));
        parties.leave(2);
        parties.leave(2);
        assert_eq!(
            parties.enter(4, None, address(1)),
            Ok(()),
            "a place is given back"
        );
        assert_eq!(
            parties.enter(5, None, address(1)),
            Err(Full::Address),
            "but once only"
        );
    }

    #[test]
    fn whoever_signs_in_needs_a_place_of_the_user() {
        let mut parties = parties(1, 0);
        assert_eq!(parties.enter(1, ANN, None), Ok(()));
        assert_eq!(parties.enter(2, None, None), Ok(()));
        assert_eq!(parties.identify(1, ANN), Ok(()), "no other user, no other place");
        assert_eq!(parties.identify(2, ANN), Err(Full::User));
        assert_eq!(parties.identify(2, BOB), Ok(()));
        assert_eq!(parties.identify(1, None), Ok(()));
        assert_eq!(parties.identify(2, ANN), Ok(()));
        assert_eq!(
            (parties.of_user(UserId(7)), parties.of_user(UserId(8))),
            (vec![2], vec![])
        );
        assert_eq!(parties.identify(9, ANN), Ok(()), "gone already");
        assert_eq!(parties.of_user(UserId(7)), [2]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Enter(u8, Option<i64>, u8),
        Leave(u8),
        Identify(u8, Option<i64>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let user = || prop::option::of(1_i64..4);
        prop_oneof![
            (0_u8..12, user(), 0_u8..3).prop_map(|(socket, user, from)| Step::Enter(socket, user, from)),
            (0_u8..12).prop_map(Step::Leave),
            (0_u8..12, user()).prop_map(|(socket, user)| Step::Identify(socket, user)),
        ]
    }

    proptest! {
        /// Against the plain model: a map of sockets.
        #[test]
        fn places_are_those_of_the_sockets(steps in prop::collection::vec(step(), 0..200)) {
            let mut parties = parties(3, 4);
            let mut model: HashMap<u8, (Option<UserId>, Option<IpAddr>)> = HashMap::new();
            for step in steps {
                let users = |user: Option<UserId>| model.values().filter(|(u, _)| user.is_some() && *u == user).count();
                match step {
                    Step::Enter(socket, user, from) if !model.contains_key(&socket) => {
                        let (user, from) = (user.map(UserId), address(from));
                        let there = model.values().filter(|(_, a)| *a == from).count();
                        let fits = users(user) < 3 && there < 4;
                        prop_assert_eq!(parties.enter(socket, user, from).is_ok(), fits);
                        if fits {
                            model.insert(socket, (user, from));
                        }
                    }
                    Step::Enter(..) => {}
                    Step::Leave(socket) => {
                        parties.leave(socket);
                        model.remove(&socket);
                    }
                    Step::Identify(socket, user) => {
                        let user = user.map(UserId);
                        let before = model.get(&socket).map(|(user, _)| *user);
                        let fits = before.is_none() || before == Some(user) || users(user) < 3;
                        prop_assert_eq!(parties.identify(socket, user).is_ok(), fits);
                        if fits && let Some(party) = model.get_mut(&socket) {
                            party.0 = user;
                        }
                    }
                }
                let kept: usize = parties.addresses.values().sum();
                prop_assert_eq!(kept, model.len());
                for user in (1..4).map(UserId) {
                    let there = model.values().filter(|(u, _)| *u == Some(user)).count();
                    prop_assert_eq!(parties.of_user(user).len(), there);
                }
            }
        }
    }
}
