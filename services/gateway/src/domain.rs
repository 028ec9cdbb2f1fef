//! What is allowed and what state follows, without IO: who is who behind the proxies, the order of a room's messages, who is
//! present where, and how often one socket may speak or one party ask.

pub(crate) mod address;
pub(crate) mod life;
pub(crate) mod limits;
pub(crate) mod origin;
pub(crate) mod presence;
pub(crate) mod rate;
pub(crate) mod sequence;
pub(crate) mod visitor;
