//! Looks at the media nodes and carries out what [`reconcile`] says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use metrics::{counter, gauge};
use runtime::Shutdown;
use storage::Leadership;

use crate::domain::{Action, NodeReport, Rules, needs_close_watch, reconcile};
use crate::error::Result;
use crate::outbound::media_node::MediaNodes;
use crate::store::{RECONCILE, Store};

/// Between two looks while something is about to change.
const CLOSE: Duration = Duration::from_millis(200);
/// Between two looks otherwise, between two tries of a node that does not answer, and between two tries to
/// become the acting replica.
const CALM: Duration = Duration::from_secs(2);

/// The task.
#[derive(Debug)]
pub struct Reconciler {
    /// The tables.
    pub store: Store,
    /// The media nodes.
    pub nodes: MediaNodes,
    /// Times from the configuration.
    pub rules: Rules,
}

/// What one acting replica remembers of a node.
#[derive(Debug, Clone, Copy)]
struct Contact {
    silent_since: DateTime<Utc>,
    failed: Option<Instant>,
}

impl Reconciler {
    /// Runs until a stop is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        let mut leadership = Leadership::new(&self.store.database, "stream.reconciler");
        let wakeups = storage::listen(&self.store.database, RECONCILE);
        let mut contacts = BTreeMap::new();
        while !shutdown.is_stopping() {
            if !leadership.is_leader().await {
                // Whatever this replica knew of the nodes is old when it acts again.
                contacts.clear();
                tokio::select! {
                    () = tokio::time::sleep(CALM) => continue,
                    () = shutdown.stopping() => break,
                }
            }
            let began = Instant::now();
            let pause = self.look(&mut contacts).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "not reconciled, trying again");
                CALM
            });
            tokio::select! {
                () = tokio::time::sleep(pause.saturating_sub(began.elapsed())) => {}
                () = wakeups.notified() => {}
                () = shutdown.stopping() => {}
            }
        }
        leadership.resign().await;
    }

    /// One look at everything; answers how long to wait for the next.
    async fn look(&self, contacts: &mut BTreeMap<String, Contact>) -> Result<Duration> {
        // The nodes first: whoever publishes there was let in before, so the rows read afterwards know him.
        let reports = self.reports(contacts).await;
        let view = self.store.on_air_view().await?;
        gauge!("stream_broadcasts_on_air").set(u32::try_from(view.broadcasts.len()).unwrap_or(u32::MAX));
        let actions = reconcile(&view, &reports, self.store.clock.now(), &self.rules);
        let changes = actions
            .iter()
            .any(|action| !matches!(action, Action::Note { .. }));
        let mut notes = Vec::new();
        for action in actions {
            match action {
                Action::Note { publish, progress } => notes.push((publish, progress)),
                other => self.carry_out(other).await?,
            }
        }
        self.store.publishes_note(notes).await?;
        Ok(if changes || needs_close_watch(&view) {
            CLOSE
        } else {
            CALM
        })
    }

    async fn reports(&self, contacts: &mut BTreeMap<String, Contact>) -> BTreeMap<String, NodeReport> {
        let now = self.store.clock.now();
        let asked = self.nodes.names().map(|node| {
            let contact = *contacts.entry(node.to_owned()).or_insert(Contact {
                silent_since: now,
                failed: None,
            });
            async move {
                // A node that hangs must not slow down the others' looks.
                if contact.failed.is_some_and(|failed| failed.elapsed() < CALM) {
                    return (node.to_owned(), contact, None);
                }
                match self.nodes.publishers(node).await {
                    Ok((publishers, at)) => {
                        let contact = Contact {
                            silent_since: at,
                            failed: None,
                        };
                        (
                            node.to_owned(),
                            contact,
                            Some(NodeReport::Reached { publishers, at }),
                        )
                    }
                    Err(error) => {
                        tracing::warn!(node, %error, "media node silent");
                        counter!("stream_node_failures_total", "node" => node.to_owned()).increment(1);
                        (
                            node.to_owned(),
                            Contact {
                                failed: Some(Instant::now()),
                                ..contact
                            },
                            None,
                        )
                    }
                }
            }
        });
        let answers = join_all(asked).await;
        let mut reports = BTreeMap::new();
        for (node, contact, report) in answers {
            contacts.insert(node.clone(), contact);
            reports.insert(
                node,
                report.unwrap_or(NodeReport::Silent {
                    since: contact.silent_since,
                }),
            );
        }
        reports
    }

    async fn carry_out(&self, action: Action) -> Result<()> {
        match action {
            Action::Note { .. } => Ok(()),
            Action::GoLive { publish, stream } => {
                tracing::info!(stream_id = stream.0, publish, "media flows");
                self.store.publish_go_live(publish, stream).await
            }
            Action::EndPublish {
                publish,
                stream,
                reason,
                stopped_at,
            } => {
                tracing::info!(stream_id = stream.0, publish, %reason, "publisher gone");
                self.store.publish_end(publish, stream, reason, stopped_at).await
            }
            Action::EndBroadcast { broadcast, stream } => {
                tracing::info!(stream_id = stream.0, broadcast_id = broadcast.0, "broadcast over");
                self.store.broadcast_end(broadcast, stream).await
            }
            Action::Drop { node, name, client } => {
                counter!("stream_publishers_dropped_total").increment(1);
                match self.nodes.drop_client(&node, &name, client).await {
                    Ok(_) => tracing::info!(node, client, "publisher without a broadcast dropped"),
                    Err(error) => tracing::warn!(node, client, %error, "publisher not dropped, trying again"),
                }
                Ok(())
            }
        }
    }
}
