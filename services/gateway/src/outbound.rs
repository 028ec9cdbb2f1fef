//! Calls to the other services, and the types that they have in common for REST and the sockets.

pub(crate) mod notification;
pub(crate) mod peers;
pub(crate) mod people;
pub(crate) mod views;
