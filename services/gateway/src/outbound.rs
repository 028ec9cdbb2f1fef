//! Every way out: the other services.

pub(crate) mod peers;
pub(crate) mod people;
pub(crate) mod views;
