//! Every way in: REST, sockets, events, and what the clock says.

pub(crate) mod clock;
pub(crate) mod events;
mod field;
pub(crate) mod rest;
pub(crate) mod socket;
