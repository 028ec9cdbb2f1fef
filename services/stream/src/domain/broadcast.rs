//! The states of publishes and broadcasts, and why they end.

use std::fmt;
use std::str::FromStr;

/// One encoder's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishState {
    /// Accepted; no media yet.
    Starting,
    /// Its media is on air.
    Live,
    /// Over.
    Ended,
}

/// One time on air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BroadcastState {
    /// An encoder sends.
    Live,
    /// No encoder sends, and the grace in which one may come back is not over.
    Dropped,
    /// Over.
    Ended,
}

/// Why a publish or a broadcast is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The encoder went away.
    PublisherGone,
    /// A new encoder took the place of one that had fallen silent.
    TakenOver,
    /// It was accepted but never sent anything.
    NeverStarted,
    /// Its media node has been silent for too long.
    NodeLost,
    /// The owner or an admin stopped it.
    Stopped,
    /// The owner made a new key.
    KeyRotated,
    /// The owner was banned.
    Banned,
    /// The stream, or its owner, was deleted.
    Deleted,
}

impl EndReason {
    /// Whether the platform decided it, so that this encoder is sent away when it asks again.
    #[must_use]
    pub fn is_decision(self) -> bool {
        matches!(
            self,
            Self::TakenOver | Self::Stopped | Self::KeyRotated | Self::Banned | Self::Deleted
        )
    }
}

/// A name in the database that this code does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown state")]
pub struct UnknownState;

macro_rules! named {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name in the database and in answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl FromStr for $type {
            type Err = UnknownState;

            fn from_str(name: &str) -> Result<Self, UnknownState> {
                match name { $($name => Ok(Self::$variant),)+ _ => Err(UnknownState) }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

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
