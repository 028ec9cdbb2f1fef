//! The settings of the sockets.

use std::time::Duration;

use crate::domain::parties::Most;

/// Limits of the Socket.IO listener.
#[derive(Debug, Clone, clap::Args)]
pub struct SocketConfig {
    /// Most connections of the Socket.IO listener at once
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_CONNECTIONS", default_value_t = 12_000)]
    pub gateway_socket_connections: usize,
    /// Sockets that one user may have at once; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKETS_PER_USER", default_value_t = 20)]
    pub gateway_sockets_per_user: usize,
    /// Sockets that may come from one IPv4 address or the /64 of an IPv6 one at once; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKETS_PER_ADDRESS", default_value_t = 200)]
    pub gateway_sockets_per_address: usize,
    /// Rooms that one socket may be in
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_ROOMS", default_value_t = 20)]
    pub gateway_socket_rooms: usize,
    /// Events that one socket may send each second in the long run
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_EVENTS_PER_SECOND", default_value_t = 20)]
    pub gateway_socket_events_per_second: u32,
    /// Events that one socket may send at once
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_EVENT_BURST", default_value_t = 40)]
    pub gateway_socket_event_burst: u32,
    /// Packets that wait for a slow socket at most
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_BUFFER", default_value_t = 128)]
    pub gateway_socket_buffer: usize,
    /// Seconds between two pings
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_PING_SECONDS", default_value_t = 25,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub gateway_socket_ping_seconds: u64,
    /// Seconds over which the sockets are closed at a stop, less than the grace; 0 closes all at once
    #[arg(long, env = "AIRWAVE_GATEWAY_DRAIN_SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(0..=299))]
    pub gateway_drain_seconds: u64,
}

impl SocketConfig {
    /// The defaults, and all sockets closed at once at a stop.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            gateway_socket_connections: 1000,
            gateway_sockets_per_user: 20,
            gateway_sockets_per_address: 200,
            gateway_socket_rooms: 20,
            gateway_socket_events_per_second: 20,
            gateway_socket_event_burst: 40,
            gateway_socket_buffer: 128,
            gateway_socket_ping_seconds: 25,
            gateway_drain_seconds: 0,
        }
    }

    /// How long the sockets may take to be sent away.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.gateway_drain_seconds)
    }

    pub(crate) fn most(&self) -> Most {
        Most {
            per_user: self.gateway_sockets_per_user,
            per_address: self.gateway_sockets_per_address,
        }
    }
}
