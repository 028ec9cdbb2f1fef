//! Compares the stored state with the statistics of the media nodes.
//!
//! Hooks may be lost, repeated, reordered or late, and a killed nginx sends none. The statistics of the nodes
//! are therefore authoritative about who publishes; hooks only announce it sooner. [`reconcile`] takes both
//! sides and returns what to do. It may run twice, or on two replicas, because each action locks its rows and
//! checks them again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use primitives::{BroadcastId, NodeName, StreamId};

use super::{BroadcastState, EndReason, MediaProgress, PublishState};

/// An accepted encoder appears in the statistics within this time: nginx waits 10 s for the hook's answer.
const START_TIMEOUT: Duration = Duration::seconds(12);
/// The minimum interval between two writes of a publish's progress, however often its node is polled.
const PROGRESS_INTERVAL: Duration = Duration::seconds(1);
/// Statistics tell how long ago a client connected, and time passes while they are read.
const CLOCK_TOLERANCE: Duration = Duration::seconds(2);

/// Timeouts from the settings.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// How long a broadcast outlives its last publish.
    pub reconnect_grace: Duration,
    /// How long a node may be unreachable before its broadcasts end.
    pub node_timeout: Duration,
}

/// A publish that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivePublish {
    pub id: i64,
    pub stream: StreamId,
    /// `None` until media arrives.
    pub broadcast: Option<BroadcastId>,
    /// The name of the stream on the node.
    pub playback_name: String,
    pub node: NodeName,
    /// nginx's number of the connection.
    pub client: i64,
    pub state: PublishState,
    /// When the hook accepted the encoder.
    pub accepted_at: DateTime<Utc>,
    pub progress: MediaProgress,
}

/// A broadcast that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OngoingBroadcast {
    pub id: BroadcastId,
    pub stream: StreamId,
    pub state: BroadcastState,
    pub started_at: DateTime<Utc>,
    /// When the reconnect grace began.
    pub dropped_at: Option<DateTime<Utc>>,
}

/// All publishes and broadcasts that have not ended.
#[derive(Debug, Clone, Default)]
pub struct OnAirState {
    pub publishes: Vec<ActivePublish>,
    pub broadcasts: Vec<OngoingBroadcast>,
}

/// An encoder in the statistics of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    pub playback_name: String,
    /// nginx's number of the connection.
    pub client: i64,
    /// When the encoder connected, by the clock of this service.
    pub connected_at: DateTime<Utc>,
    /// Bytes of media received.
    pub bytes: u64,
}

/// The result of polling a node.
#[derive(Debug, Clone)]
pub enum NodeReport {
    /// Statistics that were read *before* the [`OnAirState`]. Every encoder in them was accepted before that,
    /// so the state contains its publish.
    Reachable {
        publishers: Vec<Publisher>,
        at: DateTime<Utc>,
    },
    /// The node has not answered since the given time, or since this replica first polled it.
    Unreachable { since: DateTime<Utc> },
}

/// What to do. Every action is idempotent, and locks the row of its stream first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The encoder is connected: store its progress.
    RecordProgress { publish: i64, progress: MediaProgress },
    /// Media arrives: start the broadcast, or resume the one in its reconnect grace.
    GoLive { publish: i64, stream: StreamId },
    /// The encoder has disconnected. Its broadcast enters the reconnect grace, or ends if the node is lost.
    EndPublish {
        publish: i64,
        stream: StreamId,
        reason: EndReason,
        /// When the media stopped.
        stopped_at: DateTime<Utc>,
    },
    /// The reconnect grace has passed.
    EndBroadcast {
        broadcast: BroadcastId,
        stream: StreamId,
    },
    /// The encoder has no publish: disconnect it, so that it asks again.
    DropClient {
        node: NodeName,
        playback_name: String,
        client: i64,
    },
}

/// Returns what to do so that the stored state and the nodes agree.
#[must_use]
pub fn reconcile(
    state: &OnAirState,
    nodes: &BTreeMap<NodeName, NodeReport>,
    now: DateTime<Utc>,
    timeouts: &Timeouts,
) -> Vec<Action> {
    let publishes = state.publishes.iter();
    let mut actions: Vec<Action> = publishes
        .filter_map(|publish| reconcile_publish(publish, nodes.get(&publish.node), now, timeouts))
        .collect();
    let broadcasts = state.broadcasts.iter();
    actions.extend(broadcasts.filter_map(|broadcast| reconcile_broadcast(broadcast, state, now, timeouts)));
    for (node, report) in nodes {
        actions.extend(drop_unknown_clients(node, report, state));
    }
    actions
}

/// Returns whether a publish or broadcast is about to change, so that the nodes should be polled often.
#[must_use]
pub fn needs_fast_polling(state: &OnAirState) -> bool {
    let starting = |publish: &ActivePublish| publish.state == PublishState::Starting;
    let dropped = |broadcast: &OngoingBroadcast| broadcast.state == BroadcastState::Dropped;
    state.publishes.iter().any(starting) || state.broadcasts.iter().any(dropped)
}

impl ActivePublish {
    /// Returns whether a client in the statistics is this publish. nginx restarts its numbering with each
    /// start, so a client that connected after the hook is a different one with the same number.
    #[must_use]
    pub fn is(&self, publisher: &Publisher) -> bool {
        self.client == publisher.client
            && self.playback_name == publisher.playback_name
            && publisher.connected_at <= self.accepted_at + CLOCK_TOLERANCE
    }
}

fn reconcile_publish(
    publish: &ActivePublish,
    report: Option<&NodeReport>,
    now: DateTime<Utc>,
    timeouts: &Timeouts,
) -> Option<Action> {
    // A node without a report was removed from the settings: nothing is known about its encoders.
    let (publishers, at) = match report? {
        NodeReport::Reachable { publishers, at } => (publishers, *at),
        NodeReport::Unreachable { since } => return expire_on_lost_node(publish, *since, now, timeouts),
    };
    let found = publishers.iter().find(|publisher| publish.is(publisher));
    match (publish.state, found) {
        (PublishState::Ended, _) => None,
        (PublishState::Starting, Some(publisher)) if publisher.bytes > 0 => Some(Action::GoLive {
            publish: publish.id,
            stream: publish.stream,
        }),
        (_, Some(_)) if at - publish.progress.seen_at < PROGRESS_INTERVAL => None,
        (_, Some(publisher)) => Some(Action::RecordProgress {
            publish: publish.id,
            progress: publish.progress.after(publisher.bytes, at),
        }),
        (PublishState::Starting, None) if now - publish.accepted_at <= START_TIMEOUT => None,
        (PublishState::Starting, None) => Some(end_publish(publish, EndReason::NeverStarted, now)),
        // Accepted after the statistics were read: the next poll decides.
        (PublishState::Live, None) if publish.accepted_at > at => None,
        (PublishState::Live, None) => Some(end_publish(publish, EndReason::PublisherGone, now)),
    }
}

/// Ends a publish once its node has been unreachable for too long. An update hook may have arrived meanwhile,
/// which proves that the encoder is still connected.
fn expire_on_lost_node(
    publish: &ActivePublish,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    timeouts: &Timeouts,
) -> Option<Action> {
    let last_sign = since.max(publish.progress.seen_at);
    let lost = now - last_sign >= timeouts.node_timeout;
    lost.then(|| end_publish(publish, EndReason::NodeLost, now))
}

fn end_publish(publish: &ActivePublish, reason: EndReason, now: DateTime<Utc>) -> Action {
    let stopped_at = if reason == EndReason::NodeLost {
        publish.progress.seen_at
    } else {
        publish.progress.stopped_at(now)
    };
    Action::EndPublish {
        publish: publish.id,
        stream: publish.stream,
        reason,
        stopped_at,
    }
}

/// Ends a broadcast after its reconnect grace, unless an encoder is starting: that one either goes live or
/// expires soon.
fn reconcile_broadcast(
    broadcast: &OngoingBroadcast,
    state: &OnAirState,
    now: DateTime<Utc>,
    timeouts: &Timeouts,
) -> Option<Action> {
    let mut publishes = state.publishes.iter();
    let reconnecting = publishes.any(|publish| publish.stream == broadcast.stream);
    let expired = broadcast
        .dropped_at
        .is_some_and(|dropped_at| now - dropped_at >= timeouts.reconnect_grace);
    let over = broadcast.state == BroadcastState::Dropped && expired && !reconnecting;
    over.then_some(Action::EndBroadcast {
        broadcast: broadcast.id,
        stream: broadcast.stream,
    })
}

fn drop_unknown_clients<'a>(
    node: &'a NodeName,
    report: &'a NodeReport,
    state: &'a OnAirState,
) -> impl Iterator<Item = Action> + 'a {
    let publishers = match report {
        NodeReport::Reachable { publishers, .. } => publishers.as_slice(),
        NodeReport::Unreachable { .. } => &[],
    };
    let key = |publisher: &'a Publisher| (publisher.playback_name.as_str(), publisher.client);
    let is_known = |publisher: &&Publisher| {
        let mut publishes = state.publishes.iter();
        publishes.any(|publish| publish.node == *node && publish.is(publisher))
    };
    let known: BTreeSet<(&str, i64)> = publishers.iter().filter(is_known).map(key).collect();
    publishers
        .iter()
        .filter(move |publisher| !known.contains(&key(publisher)))
        .map(|publisher| Action::DropClient {
            node: node.clone(),
            playback_name: publisher.playback_name.clone(),
            client: publisher.client,
        })
}

#[cfg(test)]
mod tests;
