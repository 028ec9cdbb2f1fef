//! The states of streams, publishes and broadcasts, and why the latter end.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamStatus {
    /// A broadcast is on air, or within its reconnect grace.
    Live,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishState {
    /// Accepted, but no media has arrived yet.
    Starting,
    /// Media arrives. The glossary's *active*; the database has always called it `live`.
    Live,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BroadcastState {
    /// An encoder sends.
    Live,
    /// No encoder sends, but the reconnect grace has not passed.
    Dropped,
    Ended,
}

/// Why a publish or a broadcast ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The encoder disconnected.
    PublisherGone,
    /// The encoder had stalled, and another one replaced it.
    TakenOver,
    /// The encoder was accepted but sent no media.
    NeverStarted,
    /// The media node was unreachable for too long.
    NodeLost,
    /// The owner or an admin stopped the broadcast.
    Stopped,
    /// The owner rotated the stream key.
    KeyRotated,
    /// The owner was banned.
    Banned,
    /// The stream or its owner was deleted.
    Deleted,
}

impl EndReason {
    /// Returns whether the platform ended the publish. Hooks of its encoder are then rejected.
    #[must_use]
    pub fn is_decision(self) -> bool {
        matches!(
            self,
            Self::TakenOver | Self::Stopped | Self::KeyRotated | Self::Banned | Self::Deleted
        )
    }
}

/// Why a publish is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishRejection {
    /// No stream has this playback name, so no owner learns of the attempt.
    UnknownStream,
    /// The secret is not that of the stream, or no longer.
    WrongKey,
    /// The owner is banned.
    Banned,
    /// The disk for recordings is nearly full.
    DiskFull,
    /// Another encoder is sending.
    AlreadyLive,
    /// Another encoder is connected, and it could neither be checked nor dropped in time.
    Busy,
}

/// A stored name that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown name {0:?}")]
pub struct UnknownName(String);

/// Gives an enum the names that the database and the API use.
macro_rules! named {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name { $($name => Ok(Self::$variant),)+ other => Err(UnknownName(other.to_owned())) }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named!(StreamStatus { Live => "live", Ended => "ended" });
named!(PublishState { Starting => "starting", Live => "live", Ended => "ended" });
named!(BroadcastState { Live => "live", Dropped => "dropped", Ended => "ended" });
named!(EndReason {
    PublisherGone => "publisher_gone",
    TakenOver => "taken_over",
    NeverStarted => "never_started",
    NodeLost => "node_lost",
    Stopped => "stopped",
    KeyRotated => "key_rotated",
    Banned => "banned",
    Deleted => "deleted",
});
named!(PublishRejection {
    UnknownStream => "unknown_stream",
    WrongKey => "wrong_key",
    Banned => "banned",
    DiskFull => "disk_full",
    AlreadyLive => "already_live",
    Busy => "busy",
});
