//! Single decisions, and random sequences of hooks, polls and waits against a model of the store.

mod model;

use proptest::prelude::*;

use self::model::Model;
use super::*;
use crate::domain::{EncoderHealth, MediaReading};

fn node() -> NodeName {
    "main".parse().unwrap()
}

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::milliseconds(millis)
}

fn timeouts() -> Timeouts {
    Timeouts {
        reconnect_grace: Duration::seconds(5),
        node_timeout: Duration::seconds(45),
    }
}

fn publish(state: PublishState) -> ActivePublish {
    ActivePublish {
        id: 1,
        stream: StreamId(7),
        broadcast: (state == PublishState::Live).then_some(BroadcastId(3)),
        playback_name: "alice".into(),
        node: node(),
        client: 2,
        state,
        accepted_at: at(10_000),
        progress: MediaProgress {
            bytes: 0,
            seen_at: at(10_000),
            grew_at: at(10_000),
        },
    }
}

fn publisher(bytes: u64) -> Publisher {
    Publisher {
        playback_name: "alice".into(),
        client: 2,
        connected_at: at(9_900),
        bytes,
    }
}

fn decide(
    publishes: Vec<ActivePublish>,
    broadcasts: Vec<OngoingBroadcast>,
    report: NodeReport,
    now: i64,
) -> Vec<Action> {
    let state = OnAirState {
        publishes,
        broadcasts,
    };
    reconcile(&state, &BTreeMap::from([(node(), report)]), at(now), &timeouts())
}

fn reached(publishers: Vec<Publisher>, now: i64) -> NodeReport {
    NodeReport::Reachable {
        publishers,
        at: at(now),
    }
}

#[test]
fn publish_goes_live_only_with_media() {
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
    assert!(matches!(actions[..], [Action::RecordProgress { .. }]));
    assert_eq!(
        decide(vec![starting], vec![], reached(vec![], 10_200), 10_200),
        []
    );
}

#[test]
fn publish_that_never_appears_expires() {
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
fn client_that_connected_after_the_hook_is_another() {
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
            Action::DropClient { client: 2, .. }
        ]
    ));
}

#[test]
fn unreachable_node_ends_broadcasts_only_after_the_timeout() {
    let live = || vec![publish(PublishState::Live)];
    let unreachable = || NodeReport::Unreachable { since: at(20_000) };
    assert_eq!(decide(live(), vec![], unreachable(), 64_999), []);
    let actions = decide(live(), vec![], unreachable(), 65_000);
    assert!(matches!(
        actions[..],
        [Action::EndPublish {
            reason: EndReason::NodeLost,
            ..
        }]
    ));
    let mut renewed = publish(PublishState::Live);
    renewed.progress.seen_at = at(50_000);
    assert_eq!(decide(vec![renewed], vec![], unreachable(), 65_000), []);
}

#[test]
fn unconfigured_node_changes_nothing() {
    let state = OnAirState {
        publishes: vec![publish(PublishState::Live)],
        broadcasts: vec![],
    };
    assert_eq!(reconcile(&state, &BTreeMap::new(), at(999_000), &timeouts()), []);
}

#[test]
fn reconnect_grace_waits_for_a_starting_encoder() {
    let dropped = || OngoingBroadcast {
        id: BroadcastId(3),
        stream: StreamId(7),
        state: BroadcastState::Dropped,
        started_at: at(0),
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
fn encoder_without_a_publish_is_dropped() {
    let actions = decide(vec![], vec![], reached(vec![publisher(9)], 10_000), 10_000);
    assert_eq!(
        actions,
        [Action::DropClient {
            node: node(),
            playback_name: "alice".into(),
            client: 2
        }]
    );
}

/// A step of the model: what encoders, nginx and the network do to one stream on one node.
#[derive(Debug, Clone)]
enum Step {
    Connect,
    Leave { encoder: usize, hook_lost: bool },
    Freeze { encoder: usize },
    Thaw { encoder: usize },
    RepeatDone { encoder: usize },
    NodeUp { up: bool },
    NginxRestarts,
    Wait { millis: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let encoder = 0..4_usize;
    prop_oneof![
        3 => Just(Step::Connect),
        2 => (encoder.clone(), any::<bool>())
            .prop_map(|(encoder, hook_lost)| Step::Leave { encoder, hook_lost }),
        1 => encoder.clone().prop_map(|encoder| Step::Freeze { encoder }),
        1 => encoder.clone().prop_map(|encoder| Step::Thaw { encoder }),
        1 => encoder.prop_map(|encoder| Step::RepeatDone { encoder }),
        1 => any::<bool>().prop_map(|up| Step::NodeUp { up }),
        1 => Just(Step::NginxRestarts),
        5 => (50..20_000_i64).prop_map(|millis| Step::Wait { millis }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn one_broadcast_at_a_time_and_each_one_ends(steps in prop::collection::vec(step(), 0..60)) {
        let mut model = Model::new();
        for step in steps {
            model.apply(step);
            model.check();
        }
        prop_assert_eq!(model.wrong_takeovers, 0, "a sending encoder was replaced");
        // All encoders disconnect without a hook, whether or not the node is reachable.
        model.encoders.iter_mut().for_each(|encoder| encoder.connected = false);
        model.wait(120_000);
        let state = model.state();
        prop_assert!(state.broadcasts.is_empty() && state.publishes.is_empty(), "left over: {state:?}");
        prop_assert_eq!(i64::try_from(model.ended.len()).unwrap(), model.started);
    }
}
