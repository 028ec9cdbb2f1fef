//! Every way out, apart from the store.

pub mod auth;
pub mod push;
pub mod stream;
