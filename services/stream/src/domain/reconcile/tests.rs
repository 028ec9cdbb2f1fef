//! Single decisions, and random sequences of hooks, looks and time against a model that does what the store does.

use proptest::prelude::*;

use super::*;
use crate::domain::{Health, Reading};

const NODE: &str = "main";

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::milliseconds(millis)
}

fn rules() -> Rules {
    Rules {
        grace: Duration::seconds(5),
        node_silence: Duration::seconds(45),
    }
}

fn publish(state: PublishState) -> ActivePublish {
    ActivePublish {
        id: 1,
        stream: StreamId(7),
        broadcast: (state == PublishState::Live).then_some(BroadcastId(3)),
        name: "alice".into(),
        node: NODE.into(),
        client: 2,
        state,
        accepted_at: at(10_000),
        progress: Progress {
            bytes: 0,
            seen_at: at(10_000),
            grew_at: at(10_000),
        },
    }
}

fn publisher(bytes: u64) -> Publisher {
    Publisher {
        name: "alice".into(),
        client: 2,
        connected_at: at(9_900),
        bytes,
    }
}

fn decide(
    publishes: Vec<ActivePublish>,
    broadcasts: Vec<OnAir>,
    report: NodeReport,
    now: i64,
) -> Vec<Action> {
    let view = View {
        publishes,
        broadcasts,
    };
    reconcile(
        &view,
        &BTreeMap::from([(NODE.to_owned(), report)]),
        at(now),
        &rules(),
    )
}

fn reached(publishers: Vec<Publisher>, now: i64) -> NodeReport {
    NodeReport::Reached {
        publishers,
        at: at(now),
    }
}

#[test]
fn media_makes_a_publish_live_and_its_absence_does_not() {
    let starting = publish(PublishState::Starting);
    let actions = decide(
        vec![starting.clone()],
        vec![],
        reached(vec![publisher(1)], 10_200),
        10_200,
    );
    assert_eq!(
        actions,
        [Action::GoLive {
            publish: 1,
            stream: StreamId(7)
        }]
    );
    assert_eq!(
        decide(
            vec![starting.clone()],
            vec![],
            reached(vec![publisher(0)], 10_200),
            10_200
        ),
        []
    );
    let actions = decide(
        vec![starting.clone()],
        vec![],
        reached(vec![publisher(0)], 11_200),
        11_200,
    );
    assert!(matches!(actions[..], [Action::Note { .. }]));
    assert_eq!(
        decide(vec![starting], vec![], reached(vec![], 10_200), 10_200),
        []
    );
}

#[test]
fn a_publish_that_never_shows_expires() {
    let actions = decide(
        vec![publish(PublishState::Starting)],
        vec![],
        reached(vec![], 22_001),
        22_001,
    );
    assert!(matches!(
        actions[..],
        [Action::EndPublish {
            reason: EndReason::NeverStarted,
            ..
        }]
    ));
}

#[test]
fn a_client_that_connected_after_the_hook_is_another() {
    let later = Publisher {
        connected_at: at(60_000),
        ..publisher(5)
    };
    let actions = decide(
        vec![publish(PublishState::Live)],
        vec![],
        reached(vec![later], 61_000),
        61_000,
    );
    assert!(matches!(
        &actions[..],
        [
            Action::EndPublish {
                reason: EndReason::PublisherGone,
                ..
            },
            Action::Drop { client: 2, .. }
        ]
    ));
}

#[test]
fn a_silent_node_ends_nothing_for_a_while() {
    let live = || vec![publish(PublishState::Live)];
    let silent = || NodeReport::Silent { since: at(20_000) };
    assert_eq!(decide(live(), vec![], silent(), 64_999), []);
    let actions = decide(live(), vec![], silent(), 65_000);
    assert!(matches!(
        actions[..],
        [Action::EndPublish {
            reason: EndReason::NodeLost,
            ..
        }]
    ));
    let mut renewed = publish(PublishState::Live);
    renewed.progress.seen_at = at(50_000);
    assert_eq!(decide(vec![renewed], vec![], silent(), 65_000), []);
}

#[test]
fn a_node_that_is_not_configured_decides_nothing() {
    let view = View {
        publishes: vec![publish(PublishState::Live)],
        broadcasts: vec![],
    };
    assert_eq!(reconcile(&view, &BTreeMap::new(), at(999_000), &rules()), []);
}

#[test]
fn the_grace_waits_for_an_encoder_that_is_starting() {
    let dropped = || OnAir {
        id: BroadcastId(3),
        stream: StreamId(7),
        state: BroadcastState::Dropped,
        dropped_at: Some(at(10_000)),
    };
    assert_eq!(
        decide(vec![], vec![dropped()], reached(vec![], 14_999), 14_999),
        []
    );
    let actions = decide(vec![], vec![dropped()], reached(vec![], 15_000), 15_000);
    assert_eq!(
        actions,
        [Action::EndBroadcast {
            broadcast: BroadcastId(3),
            stream: StreamId(7)
        }]
    );
    let starting = vec![publish(PublishState::Starting)];
    assert_eq!(
        decide(starting, vec![dropped()], reached(vec![], 15_000), 15_000),
        []
    );
}

#[test]
fn an_encoder_without_a_publish_is_sent_away() {
    let actions = decide(vec![], vec![], reached(vec![publisher(9)], 10_000), 10_000);
    assert_eq!(
        actions,
        [Action::Drop {
            node: NODE.into(),
            name: "alice".into(),
            client: 2
        }]
    );
}

/// What happens to one stream on one node. Encoders, nginx and the network do as they please.
#[derive(Debug, Clone)]
enum Happening {
    Connect,
    Leave { encoder: usize, hook_lost: bool },
    Freeze { encoder: usize },
    Thaw { encoder: usize },
    RepeatDone { encoder: usize },
    NodeUp { up: bool },
    NginxRestarts,
    Wait { millis: i64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    let encoder = 0..4_usize;
    prop_oneof![
        3 => Just(Happening::Connect),
        2 => (encoder.clone(), any::<bool>()).prop_map(|(encoder, hook_lost)| Happening::Leave { encoder, hook_lost }),
        1 => encoder.clone().prop_map(|encoder| Happening::Freeze { encoder }),
        1 => encoder.clone().prop_map(|encoder| Happening::Thaw { encoder }),
        1 => encoder.prop_map(|encoder| Happening::RepeatDone { encoder }),
        1 => any::<bool>().prop_map(|up| Happening::NodeUp { up }),
        1 => Just(Happening::NginxRestarts),
        5 => (50..20_000_i64).prop_map(|millis| Happening::Wait { millis }),
    ]
}

struct Encoder {
    publisher: Publisher,
    frozen: bool,
    connected: bool,
    publish: i64,
    sent_at: i64,
}

/// The store's side in memory: the same transitions under the same conditions.
#[derive(Default)]
struct Model {
    now: i64,
    up: bool,
    silent_since: i64,
    connections: i64,
    encoders: Vec<Encoder>,
    publishes: Vec<ActivePublish>,
    broadcasts: Vec<(OnAir, DateTime<Utc>)>,
    ended: Vec<BroadcastId>,
    /// Takeovers of an encoder that had sent within the last three seconds.
    robbed: u32,
    started: i64,
}

impl Model {
    fn new() -> Self {
        Self {
            up: true,
            ..Self::default()
        }
    }

    fn view(&self) -> View {
        View {
            publishes: self
                .publishes
                .iter()
                .filter(|p| p.state != PublishState::Ended)
                .cloned()
                .collect(),
            broadcasts: self
                .broadcasts
                .iter()
                .map(|(b, _)| b.clone())
                .filter(|b| b.state != BroadcastState::Ended)
                .collect(),
        }
    }

    fn apply(&mut self, happening: Happening) {
        match happening {
            Happening::Connect => self.connect(),
            Happening::Leave { encoder, hook_lost } => self.leave(encoder, hook_lost),
            Happening::Freeze { encoder } => self.with(encoder, |encoder| encoder.frozen = true),
            Happening::Thaw { encoder } => self.with(encoder, |encoder| encoder.frozen = false),
            Happening::RepeatDone { encoder } => {
                let gone = self
                    .encoders
                    .get(encoder)
                    .filter(|e| !e.connected)
                    .map(|e| e.publish);
                gone.into_iter()
                    .for_each(|publish| self.end_publish(publish, EndReason::PublisherGone));
            }
            Happening::NodeUp { up } => {
                if self.up && !up {
                    self.silent_since = self.now;
                }
                self.up = up;
            }
            Happening::NginxRestarts => {
                self.connections = 0;
                self.encoders
                    .iter_mut()
                    .for_each(|encoder| encoder.connected = false);
            }
            Happening::Wait { millis } => self.wait(millis),
        }
    }

    fn with(&mut self, encoder: usize, change: impl FnOnce(&mut Encoder)) {
        if let Some(encoder) = self.encoders.get_mut(encoder) {
            change(encoder);
        }
    }

    fn connect(&mut self) {
        let now = at(self.now);
        self.connections += 1;
        let client = self.connections;
        if let Some(other) = self
            .publishes
            .iter()
            .find(|p| p.state != PublishState::Ended)
            .cloned()
        {
            let there = self
                .encoders
                .iter()
                .find(|e| e.connected && e.publish == other.id);
            let sends = there.is_some_and(|e| e.publisher.bytes > 0 && self.now - e.sent_at <= 3_000);
            let reading = Reading {
                bytes: there.map(|e| e.publisher.bytes),
                at: now,
            };
            match other.progress.health(reading) {
                Health::Healthy | Health::Unclear => return,
                Health::Gone => {}
                Health::Stale => {
                    self.robbed += u32::from(sends);
                    self.encoders
                        .iter_mut()
                        .filter(|e| e.publish == other.id)
                        .for_each(|e| e.connected = false);
                }
            }
            self.end_publish(other.id, EndReason::TakenOver);
        }
        let id = i64::try_from(self.publishes.len()).unwrap() + 1;
        let progress = Progress {
            bytes: 0,
            seen_at: now,
            grew_at: now,
        };
        let accepted = ActivePublish {
            id,
            client,
            accepted_at: now,
            progress,
            ..publish(PublishState::Starting)
        };
        self.publishes.push(accepted);
        let publisher = Publisher {
            name: "alice".into(),
            client,
            connected_at: now,
            bytes: 0,
        };
        self.encoders.push(Encoder {
            publisher,
            frozen: false,
            connected: true,
            publish: id,
            sent_at: self.now,
        });
    }

    fn leave(&mut self, encoder: usize, hook_lost: bool) {
        let Some(encoder) = self.encoders.get_mut(encoder) else {
            return;
        };
        let publish = encoder.publish;
        let was = std::mem::replace(&mut encoder.connected, false);
        if was && !hook_lost {
            self.end_publish(publish, EndReason::PublisherGone);
        }
    }

    fn wait(&mut self, millis: i64) {
        let end = self.now + millis;
        while self.now < end {
            let step = if needs_close_watch(&self.view()) {
                200
            } else {
                2_000
            };
            self.now = end.min(self.now + step);
            let sent = u64::try_from(step).unwrap();
            for encoder in self.encoders.iter_mut().filter(|e| e.connected && !e.frozen) {
                encoder.publisher.bytes += sent;
                encoder.sent_at = self.now;
            }
            self.look();
        }
    }

    fn look(&mut self) {
        let report = if self.up {
            let there = self
                .encoders
                .iter()
                .filter(|e| e.connected)
                .map(|e| e.publisher.clone())
                .collect();
            reached(there, self.now)
        } else {
            NodeReport::Silent {
                since: at(self.silent_since),
            }
        };
        let nodes = BTreeMap::from([(NODE.to_owned(), report)]);
        for action in reconcile(&self.view(), &nodes, at(self.now), &rules()) {
            match action {
                Action::Note { publish, progress } => self
                    .active(publish)
                    .into_iter()
                    .for_each(|p| p.progress = progress),
                Action::GoLive { publish, .. } => self.go_live(publish),
                Action::EndPublish { publish, reason, .. } => self.end_publish(publish, reason),
                Action::EndBroadcast { broadcast, .. } => self.end_broadcast(broadcast),
                Action::Drop { client, .. } => {
                    self.encoders
                        .iter_mut()
                        .filter(|e| e.publisher.client == client)
                        .for_each(|e| e.connected = false);
                }
            }
            self.check();
        }
    }

    fn active(&mut self, publish: i64) -> Option<&mut ActivePublish> {
        self.publishes
            .iter_mut()
            .find(|p| p.id == publish && p.state != PublishState::Ended)
    }

    fn go_live(&mut self, publish: i64) {
        let now = at(self.now);
        let going = self
            .broadcasts
            .iter_mut()
            .map(|(b, _)| b)
            .find(|b| b.state != BroadcastState::Ended);
        let id = if let Some(broadcast) = going {
            broadcast.state = BroadcastState::Live;
            broadcast.dropped_at = None;
            broadcast.id
        } else {
            self.started += 1;
            let id = BroadcastId(self.started);
            self.broadcasts.push((
                OnAir {
                    id,
                    stream: StreamId(7),
                    state: BroadcastState::Live,
                    dropped_at: None,
                },
                now,
            ));
            id
        };
        let publish = self.active(publish).unwrap();
        publish.state = PublishState::Live;
        publish.broadcast = Some(id);
    }

    fn end_publish(&mut self, publish: i64, reason: EndReason) {
        let now = at(self.now);
        let Some(publish) = self.active(publish) else {
            return;
        };
        publish.state = PublishState::Ended;
        let Some(broadcast) = publish.broadcast else {
            return;
        };
        for (on_air, _) in self
            .broadcasts
            .iter_mut()
            .filter(|(b, _)| b.id == broadcast && b.state == BroadcastState::Live)
        {
            on_air.state = BroadcastState::Dropped;
            on_air.dropped_at = Some(now);
        }
        if reason == EndReason::NodeLost {
            self.end_broadcast(broadcast);
        }
    }

    fn end_broadcast(&mut self, broadcast: BroadcastId) {
        for (on_air, _) in self
            .broadcasts
            .iter_mut()
            .filter(|(b, _)| b.id == broadcast && b.state != BroadcastState::Ended)
        {
            on_air.state = BroadcastState::Ended;
            self.ended.push(on_air.id);
        }
    }

    fn check(&self) {
        let view = self.view();
        assert!(
            view.broadcasts.len() <= 1,
            "two broadcasts at once: {:?}",
            view.broadcasts
        );
        assert!(
            view.publishes.len() <= 1,
            "two publishes at once: {:?}",
            view.publishes
        );
        let distinct: BTreeSet<_> = self.ended.iter().collect();
        assert_eq!(distinct.len(), self.ended.len(), "a broadcast ended twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_happens_there_is_one_broadcast_and_it_ends(happenings in prop::collection::vec(happening(), 0..60)) {
        let mut model = Model::new();
        for happening in happenings {
            model.apply(happening);
            model.check();
        }
        prop_assert_eq!(model.robbed, 0, "an encoder that sends was pushed out");
        // Everybody goes away without a word, whether or not the node answers.
        model.encoders.iter_mut().for_each(|encoder| encoder.connected = false);
        model.wait(120_000);
        let view = model.view();
        prop_assert!(view.broadcasts.is_empty() && view.publishes.is_empty(), "still there: {view:?}");
        prop_assert_eq!(i64::try_from(model.ended.len()).unwrap(), model.started);
    }
}
