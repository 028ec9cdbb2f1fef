//! Rules without IO: client addresses behind proxies, origins, rate limits, the order of a room's messages,
//! presence, and limits per socket, user and address.

pub(crate) mod address;
pub(crate) mod connection_limits;
pub(crate) mod flood;
pub(crate) mod limits;
pub(crate) mod live_state;
pub(crate) mod origin;
pub(crate) mod presence;
pub(crate) mod rate;
pub(crate) mod sequence;
pub(crate) mod visitor;
