//! Ways in: gRPC, the hooks of media nodes, events, and periodic tasks.

pub mod clock;
pub mod events;
pub mod hooks;
pub mod rpc;

use crate::app::App;
use crate::domain::Timeouts;
use crate::store::streams::Totals;

impl hooks::Hooks {
    pub(crate) fn new(app: &App) -> Self {
        let config = &app.config;
        Self {
            store: app.store.clone(),
            nodes: app.nodes.clone(),
            secret: hooks::HookSecret::new(&config.stream_hook_secret),
            disk_space: hooks::DiskSpace::new(
                config.stream_recordings_dir.clone(),
                config.stream_min_free_bytes,
            ),
        }
    }
}

impl rpc::Rpc {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            store: app.store.clone(),
            leases: app.leases.clone(),
            nodes: app.nodes.clone(),
            rtmp_url: app.config.stream_rtmp_url.clone(),
            totals: Totals::default(),
        }
    }
}

impl clock::Reconciler {
    pub(crate) fn new(app: &App) -> Self {
        let seconds = |seconds: u16| chrono::Duration::seconds(seconds.into());
        Self {
            store: app.store.clone(),
            nodes: app.nodes.clone(),
            timeouts: Timeouts {
                reconnect_grace: seconds(app.config.stream_reconnect_grace_seconds),
                node_timeout: seconds(app.config.stream_node_silence_seconds),
            },
        }
    }
}

impl clock::ViewerCounts {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            store: app.store.clone(),
            leases: app.leases.clone(),
            realtime: app.realtime.clone(),
            gauges: app.gauges.clone(),
        }
    }
}
