//! What we believe against what the media nodes say.
//!
//! Hooks may be lost, repeated, reordered or late, and a killed nginx sends none. So the truth about who
//! publishes is what each node's statistics say, and hooks only make it known sooner. [`reconcile`] is handed
//! both sides and says what to do; it may be asked twice, or by two replicas, since each action is carried
//! out under a lock on a row that is looked at again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use primitives::{BroadcastId, StreamId};

use super::{BroadcastState, EndReason, Progress, PublishState};

/// An encoder was let in at most this long before it shows in the statistics: nginx waits 10 s for our
/// answer.
const STARTING: Duration = Duration::seconds(12);
/// Progress is written down at most this often, however often the node is looked at.
const NOTE: Duration = Duration::seconds(1);
/// Statistics say how long ago a client connected; our clock has moved on while we read them.
const READING_SLACK: Duration = Duration::seconds(2);

/// Times that the configuration sets.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How long a broadcast waits for its encoder to come back.
    pub grace: Duration,
    /// After this silence of a media node its broadcasts are over.
    pub node_silence: Duration,
}

/// A publish that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivePublish {
    /// Its id.
    pub id: i64,
    /// What it publishes to.
    pub stream: StreamId,
    /// The broadcast that it belongs to; none until media flows.
    pub broadcast: Option<BroadcastId>,
    /// The playback name, which is the stream's name on the node.
    pub name: String,
    /// The media node.
    pub node: String,
    /// nginx's number of the connection.
    pub client: i64,
    /// Starting or live.
    pub state: PublishState,
    /// When the hook let it in.
    pub accepted_at: DateTime<Utc>,
    /// What the latest looks at the node found.
    pub progress: Progress,
}

/// A broadcast that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnAir {
    /// Its id.
    pub id: BroadcastId,
    /// Whose it is.
    pub stream: StreamId,
    /// Live or dropped.
    pub state: BroadcastState,
    /// When the grace began.
    pub dropped_at: Option<DateTime<Utc>>,
}

/// Everything that is not over.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Encoders.
    pub publishes: Vec<ActivePublish>,
    /// Times on air.
    pub broadcasts: Vec<OnAir>,
}

/// An encoder in a node's statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// The stream's name on the node.
    pub name: String,
    /// nginx's number of the connection.
    pub client: i64,
    /// When it connected, by our clock.
    pub connected_at: DateTime<Utc>,
    /// Bytes of media that came in.
    pub bytes: u64,
}

/// What a node says.
#[derive(Debug, Clone)]
pub enum NodeReport {
    /// Its statistics, read *before* the [`View`]: whoever is in them was let in before, so the view knows
    /// him.
    Reached {
        /// Its encoders.
        publishers: Vec<Publisher>,
        /// When they were read.
        at: DateTime<Utc>,
    },
    /// Nothing, since a time; that of our own start when it has never answered us.
    Silent {
        /// Since when.
        since: DateTime<Utc>,
    },
}

/// What to do. Each is idempotent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The encoder is there; note how far it is.
    Note {
        /// The publish.
        publish: i64,
        /// What to write.
        progress: Progress,
    },
    /// Its media flows: begin the broadcast, or go on with the one in its grace.
    GoLive {
        /// The publish.
        publish: i64,
        /// Its stream, whose row is locked first.
        stream: StreamId,
    },
    /// The encoder is gone; its broadcast enters the grace, or is over when the whole node is lost.
    EndPublish {
        /// The publish.
        publish: i64,
        /// Its stream, whose row is locked first.
        stream: StreamId,
        /// Why.
        reason: EndReason,
        /// When the media had stopped.
        stopped_at: DateTime<Utc>,
    },
    /// The grace is over and nobody came back.
    EndBroadcast {
        /// The broadcast.
        broadcast: BroadcastId,
        /// Its stream, whose row is locked first.
        stream: StreamId,
    },
    /// An encoder sends without a broadcast: send it away, it will ask again.
    Drop {
        /// The media node.
        node: String,
        /// The stream's name there.
        name: String,
        /// nginx's number of the connection.
        client: i64,
    },
}

/// Compares both sides.
#[must_use]
pub fn reconcile(
    view: &View,
    nodes: &BTreeMap<String, NodeReport>,
    now: DateTime<Utc>,
    rules: &Rules,
) -> Vec<Action> {
    let mut actions: Vec<Action> = view
        .publishes
        .iter()
        .filter_map(|publish| of_publish(publish, nodes.get(&publish.node), now, rules))
        .collect();
    actions.extend(
        view.broadcasts
            .iter()
            .filter_map(|broadcast| of_broadcast(broadcast, view, now, rules)),
    );
    for (node, report) in nodes {
        actions.extend(strangers(node, report, view));
    }
    actions
}

/// Whether something is about to change, so that the nodes are looked at every moment.
#[must_use]
pub fn needs_close_watch(view: &View) -> bool {
    view.publishes
        .iter()
        .any(|publish| publish.state == PublishState::Starting)
        || view
            .broadcasts
            .iter()
            .any(|broadcast| broadcast.state == BroadcastState::Dropped)
}

impl ActivePublish {
    /// Whether a client in the statistics is this publish. nginx counts its connections anew when it is
    /// started again, so a client that connected after the hook is another one with the same number.
    #[must_use]
    pub fn is(&self, publisher: &Publisher) -> bool {
        self.client == publisher.client
            && self.name == publisher.name
            && publisher.connected_at <= self.accepted_at + READING_SLACK
    }
}

fn of_publish(
    publish: &ActivePublish,
    report: Option<&NodeReport>,
    now: DateTime<Utc>,
    rules: &Rules,
) -> Option<Action> {
    let (publishers, at) = match report? {
        NodeReport::Reached { publishers, at } => (publishers, *at),
        NodeReport::Silent { since } => return of_silent(publish, *since, now, rules),
    };
    let found = publishers.iter().find(|publisher| publish.is(publisher));
    match (publish.state, found) {
        (PublishState::Ended, _) => None,
        (PublishState::Starting, Some(publisher)) if publisher.bytes > 0 => Some(Action::GoLive {
            publish: publish.id,
            stream: publish.stream,
        }),
        (_, Some(_)) if at - publish.progress.seen_at < NOTE => None,
        (_, Some(publisher)) => Some(Action::Note {
            publish: publish.id,
            progress: publish.progress.after(publisher.bytes, at),
        }),
        (PublishState::Starting, None) if now - publish.accepted_at <= STARTING => None,
        (PublishState::Starting, None) => Some(end(publish, EndReason::NeverStarted, now)),
        // Let in between the reading of the statistics and that of the rows: the next look will know.
        (PublishState::Live, None) if publish.accepted_at > at => None,
        (PublishState::Live, None) => Some(end(publish, EndReason::PublisherGone, now)),
    }
}

/// A node that says nothing is no proof that its encoders are gone: an update hook may have shown one since.
fn of_silent(
    publish: &ActivePublish,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    rules: &Rules,
) -> Option<Action> {
    let silent_since = since.max(publish.progress.seen_at);
    (now - silent_since >= rules.node_silence).then(|| end(publish, EndReason::NodeLost, now))
}

fn end(publish: &ActivePublish, reason: EndReason, now: DateTime<Utc>) -> Action {
    let stopped_at = match reason {
        EndReason::NodeLost => publish.progress.seen_at,
        _ => publish.progress.stopped_at(now),
    };
    Action::EndPublish {
        publish: publish.id,
        stream: publish.stream,
        reason,
        stopped_at,
    }
}

/// While an encoder of the stream is starting, the grace waits for it: it either brings media soon or
/// expires.
fn of_broadcast(broadcast: &OnAir, view: &View, now: DateTime<Utc>, rules: &Rules) -> Option<Action> {
    let coming_back = view
        .publishes
        .iter()
        .any(|publish| publish.stream == broadcast.stream);
    let over = broadcast
        .dropped_at
        .is_some_and(|dropped_at| now - dropped_at >= rules.grace);
    (broadcast.state == BroadcastState::Dropped && over && !coming_back).then_some(Action::EndBroadcast {
        broadcast: broadcast.id,
        stream: broadcast.stream,
    })
}

fn strangers<'a>(node: &'a str, report: &'a NodeReport, view: &'a View) -> impl Iterator<Item = Action> + 'a {
    let publishers = match report {
        NodeReport::Reached { publishers, .. } => publishers.as_slice(),
        NodeReport::Silent { .. } => &[],
    };
    let known: BTreeSet<(&str, i64)> = publishers
        .iter()
        .filter(|publisher| {
            view.publishes
                .iter()
                .any(|publish| publish.node == node && publish.is(publisher))
        })
        .map(|publisher| (publisher.name.as_str(), publisher.client))
        .collect();
    publishers
        .iter()
        .filter(move |publisher| !known.contains(&(publisher.name.as_str(), publisher.client)))
        .map(|publisher| Action::Drop {
            node: node.to_owned(),
            name: publisher.name.clone(),
            client: publisher.client,
        })
}

#[cfg(test)]
mod tests;
