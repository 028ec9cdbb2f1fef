//! Every way out: the other services.

pub(crate) mod peers;
pub(crate) mod people;
