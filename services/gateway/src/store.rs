//! What the gateway keeps in Redis: how often each party asked. All of it may be lost at any time.

pub(crate) mod limits;
