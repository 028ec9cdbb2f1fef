//! Polls the media nodes and executes the actions that [`reconcile`] returns.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use metrics::{counter, gauge};
use primitives::NodeName;
use runtime::Shutdown;
use storage::Leadership;
use tokio::time::Instant;

use crate::app::App;
use crate::domain::{Action, NodeReport, Timeouts, needs_fast_polling, reconcile};
use crate::error::Result;
use crate::outbound::media_node::MediaNodes;
use crate::store::{RECONCILE_CHANNEL, Store};

/// The poll interval while something is about to change.
const FAST_INTERVAL: Duration = Duration::from_millis(200);
/// The poll interval otherwise, and the delay before a retry of an unreachable node or of the leader
/// election.
const SLOW_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Reconciler {
    pub store: Store,
    pub nodes: MediaNodes,
    pub timeouts: Timeouts,
}

impl Reconciler {
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

/// What the leading replica remembers about a node.
#[derive(Debug, Clone, Copy)]
struct NodeContact {
    /// When the node answered last, or was first polled.
    last_answer: DateTime<Utc>,
    failed_at: Option<Instant>,
}

type Contacts = BTreeMap<NodeName, NodeContact>;

impl Reconciler {
    /// Runs until shutdown.
    pub async fn run(self, shutdown: Shutdown) {
        let mut leadership = Leadership::new(&self.store.database, "stream.reconciler");
        let wakeups = storage::listen(&self.store.database, RECONCILE_CHANNEL);
        let mut contacts = Contacts::new();
        while !shutdown.is_stopping() {
            if !leadership.is_leader().await {
                // What this replica knows about the nodes will be outdated when it leads again.
                contacts.clear();
                tokio::select! {
                    () = tokio::time::sleep(SLOW_INTERVAL) => continue,
                    () = shutdown.stopping() => break,
                }
            }
            let started = Instant::now();
            let interval = self.poll(&mut contacts).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "reconciliation failed, retrying");
                SLOW_INTERVAL
            });
            tokio::select! {
                () = tokio::time::sleep(interval.saturating_sub(started.elapsed())) => {}
                () = wakeups.notified() => {}
                () = shutdown.stopping() => {}
            }
        }
        leadership.resign().await;
    }

    /// Reconciles once, and returns the interval until the next poll.
    async fn poll(&self, contacts: &mut Contacts) -> Result<Duration> {
        // Nodes come first: their encoders were accepted before, so the rows read afterwards contain them.
        let reports = self.reports(contacts).await;
        let state = self.store.on_air_state().await?;
        gauge!("stream_broadcasts_on_air").set(u32::try_from(state.broadcasts.len()).unwrap_or(u32::MAX));
        let actions = reconcile(&state, &reports, self.store.clock.now(), &self.timeouts);
        let has_changes = actions
            .iter()
            .any(|action| !matches!(action, Action::RecordProgress { .. }));
        let mut all_progress = Vec::new();
        for action in actions {
            match action {
                Action::RecordProgress { publish, progress } => all_progress.push((publish, progress)),
                other => self.execute(other).await?,
            }
        }
        self.store.publish_record_progress(all_progress).await?;
        Ok(if has_changes || needs_fast_polling(&state) {
            FAST_INTERVAL
        } else {
            SLOW_INTERVAL
        })
    }

    async fn reports(&self, contacts: &mut Contacts) -> BTreeMap<NodeName, NodeReport> {
        let now = self.store.clock.now();
        let polls = self.nodes.names().map(|node| {
            let contact = contacts.get(node).copied().unwrap_or(NodeContact {
                last_answer: now,
                failed_at: None,
            });
            async move { (node.clone(), self.report(node, contact).await) }
        });
        let mut reports = BTreeMap::new();
        for (node, (contact, report)) in join_all(polls).await {
            contacts.insert(node.clone(), contact);
            reports.insert(node, report);
        }
        reports
    }

    async fn report(&self, node: &NodeName, contact: NodeContact) -> (NodeContact, NodeReport) {
        let unreachable = NodeReport::Unreachable {
            since: contact.last_answer,
        };
        // A node that hangs must not slow down the polls of the others.
        if contact.failed_at.is_some_and(|at| at.elapsed() < SLOW_INTERVAL) {
            return (contact, unreachable);
        }
        match self.nodes.publishers(node).await {
            Ok((publishers, at)) => {
                let contact = NodeContact {
                    last_answer: at,
                    failed_at: None,
                };
                (contact, NodeReport::Reachable { publishers, at })
            }
            Err(error) => {
                tracing::warn!(%node, %error, "media node unreachable");
                counter!("stream_node_failures_total", "node" => node.to_string()).increment(1);
                let contact = NodeContact {
                    failed_at: Some(Instant::now()),
                    ..contact
                };
                (contact, unreachable)
            }
        }
    }

    async fn execute(&self, action: Action) -> Result<()> {
        match action {
            // Written for all publishes at once by the caller.
            Action::RecordProgress { .. } => Ok(()),
            Action::GoLive { publish, stream } => {
                tracing::info!(stream_id = stream.0, publish, "stream goes live");
                self.store.publish_go_live(publish, stream).await
            }
            Action::EndPublish {
                publish,
                stream,
                reason,
                stopped_at,
            } => {
                tracing::info!(stream_id = stream.0, publish, %reason, "publish ended");
                self.store.publish_end(publish, stream, reason, stopped_at).await
            }
            Action::EndBroadcast { broadcast, stream } => {
                tracing::info!(
                    stream_id = stream.0,
                    broadcast_id = broadcast.0,
                    "broadcast ended"
                );
                self.store.broadcast_end(broadcast, stream).await
            }
            Action::DropClient {
                node,
                playback_name,
                client,
            } => {
                counter!("stream_publishers_dropped_total").increment(1);
                match self.nodes.drop_client(&node, &playback_name, client).await {
                    Ok(_) => tracing::info!(%node, client, "dropped an encoder without a publish"),
                    Err(error) => {
                        tracing::warn!(%node, client, %error, "failed to drop an encoder, retrying");
                    }
                }
                Ok(())
            }
        }
    }
}
