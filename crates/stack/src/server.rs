//! One file for each kind of local server: its configuration, its start, and when it is ready.

pub(crate) mod bucket;
pub(crate) mod mongodb;
pub(crate) mod postgres;
pub(crate) mod rabbitmq;
pub(crate) mod redis;
