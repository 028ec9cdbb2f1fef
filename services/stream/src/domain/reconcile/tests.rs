//! Single decisions, and random sequences of hooks, looks and time against a model that does what the store
//! does.

mod model;

use proptest::prelude::*;

use self::model::Model;
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
