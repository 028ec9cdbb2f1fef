//! Rate limits in Redis, which may be lost at any time.

pub(crate) mod limits;
