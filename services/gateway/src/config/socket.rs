//! Settings of the Socket.IO listener, from the environment.

use std::time::Duration;

use crate::domain::connection_limits::ConnectionLimits;

#[derive(Debug, Clone, clap::Args)]
pub struct SocketConfig {
    /// Maximum number of connections of the Socket.IO listener
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_CONNECTIONS", default_value_t = 12_000)]
    pub gateway_socket_connections: usize,
    /// Sockets that one user may have at once; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKETS_PER_USER", default_value_t = 20)]
    pub gateway_sockets_per_user: usize,
    /// Sockets from one IPv4 address, or the /64 of an IPv6 address, at once; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKETS_PER_ADDRESS", default_value_t = 200)]
    pub gateway_sockets_per_address: usize,
    /// Rooms that one socket may be in
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_ROOMS", default_value_t = 20)]
    pub gateway_socket_rooms: usize,
    /// Events per second that one socket may send in the long run
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_EVENTS_PER_SECOND", default_value_t = 20)]
    pub gateway_socket_events_per_second: u32,
    /// Events that one socket may send at once
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_EVENT_BURST", default_value_t = 40)]
    pub gateway_socket_event_burst: u32,
    /// Maximum number of packets queued for a slow socket
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_BUFFER", default_value_t = 128)]
    pub gateway_socket_buffer: usize,
    /// Seconds between two pings
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_PING_SECONDS", default_value_t = 25,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub gateway_socket_ping_seconds: u64,
    /// Seconds over which sockets are closed at a stop, less than AIRWAVE_STOP_GRACE_SECONDS; 0 closes all at
    /// once
    #[arg(long, env = "AIRWAVE_GATEWAY_DRAIN_SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(0..=299))]
    pub gateway_drain_seconds: u64,
}

impl SocketConfig {
    /// Returns the defaults, except that a stop closes all sockets at once.
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

    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.gateway_drain_seconds)
    }

    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            per_user: self.gateway_sockets_per_user,
            per_address: self.gateway_sockets_per_address,
        }
    }
}
