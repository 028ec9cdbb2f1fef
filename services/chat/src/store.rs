//! Everything that this service stores: MongoDB collections, one file per family, and slow mode in Redis.

mod command;

pub mod bans;
pub mod deletions;
pub mod erasure;
pub mod indexes;
pub mod log;
pub mod messages;
pub mod moderation;
pub mod moderators;
pub mod pages;
pub mod rooms;
pub mod settings;
pub mod slow_mode;
