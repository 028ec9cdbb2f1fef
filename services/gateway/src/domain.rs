//! What is allowed and what state follows, without IO: who is who behind the proxies, the order of a room's
//! messages, who is present where, how often one socket may speak or one party ask, and how many sockets a
//! party may have.

pub(crate) mod address;
pub(crate) mod flood;
pub(crate) mod life;
pub(crate) mod limits;
pub(crate) mod origin;
pub(crate) mod parties;
pub(crate) mod presence;
pub(crate) mod rate;
pub(crate) mod sequence;
pub(crate) mod visitor;
