//! Every way out that is not our own store: peers, and the files of a media node.

pub mod files;
pub mod peers;
