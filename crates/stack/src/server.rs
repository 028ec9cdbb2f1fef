//! The local servers: configuration, start and readiness check of each.

pub(crate) mod bucket;
pub(crate) mod mongodb;
pub(crate) mod postgres;
pub(crate) mod rabbitmq;
pub(crate) mod redis;
