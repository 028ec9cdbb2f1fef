//! What is said, and what is done to the platform meanwhile, drawn from a seed.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::replicas::{INSTANCES, Instance};

/// Another plan than the usual one.
const SEED: &str = "AIRWAVE_CHAOS_SEED";
/// Always the same, so that a build that fails failed before for nobody.
const USUAL: u64 = 1;
/// So long things happen.
const LENGTH: Duration = Duration::from_secs(40);
/// Milliseconds between two messages, whoever says them.
const BETWEEN_MESSAGES: std::ops::Range<u64> = 10..150;
/// Milliseconds between two blows.
const BETWEEN_BLOWS: std::ops::Range<u64> = 300..2500;
/// Milliseconds for which a process that was killed is away: sometimes nobody notices, sometimes everybody
/// gives up waiting.
const AWAY: std::ops::Range<u64> = 50..4000;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A client, by number, says something.
    Say(usize),
    /// A client's connection ends.
    Cut(usize),
    /// The broker closes all connections of the platform.
    CloseBroker,
    /// A process is killed without warning.
    Kill(Instance),
    /// It is started again, on the same addresses.
    Start(Instance),
}

/// Everything that happens, each at its time from the start on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) acts: Vec<(Duration, Act)>,
}

impl Plan {
    /// The plan of the seed in the environment, or the usual one.
    pub(super) fn draw(clients: usize) -> Result<Self> {
        let seed = match std::env::var(SEED) {
            Ok(seed) => seed
                .parse::<u64>()
                .with_context(|| format!("{SEED} is not a number"))?,
            Err(_) => USUAL,
        };
        println!("{SEED}={seed}");
        Ok(Self::of(seed, clients))
    }

    fn of(seed: u64, clients: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut acts = messages(&mut random, clients);
        acts.append(&mut blows(&mut random, clients));
        acts.sort_by_key(|(at, _)| *at);
        Self { acts }
    }
}

fn messages(random: &mut StdRng, clients: usize) -> Vec<(Duration, Act)> {
    let (mut acts, mut at) = (Vec::new(), Duration::ZERO);
    while at < LENGTH {
        acts.push((at, Act::Say(random.random_range(0..clients))));
        at += some(random, BETWEEN_MESSAGES);
    }
    acts
}

fn blows(random: &mut StdRng, clients: usize) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let mut back = [Duration::ZERO; INSTANCES.len()];
    let mut at = some(random, BETWEEN_BLOWS);
    while at < LENGTH {
        match random.random_range(0..10) {
            0..5 => acts.extend(fall(random, at, &mut back)),
            5..7 => acts.push((at, Act::CloseBroker)),
            _ => {
                let several = random.random_range(1..=clients / 2);
                let cut = |_| (at, Act::Cut(random.random_range(0..clients)));
                acts.extend((0..several).map(cut));
            }
        }
        at += some(random, BETWEEN_BLOWS);
    }
    acts
}

/// The end of a process and its return; nothing for one that is away already.
fn fall(random: &mut StdRng, at: Duration, back: &mut [Duration; INSTANCES.len()]) -> Vec<(Duration, Act)> {
    let which = random.random_range(0..INSTANCES.len());
    if at <= back[which] {
        return Vec::new();
    }
    back[which] = at + some(random, AWAY);
    let instance = INSTANCES[which];
    vec![(at, Act::Kill(instance)), (back[which], Act::Start(instance))]
}

fn some(random: &mut StdRng, milliseconds: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.random_range(milliseconds))
}

#[test]
fn a_seed_is_a_plan_and_whoever_falls_stands_up_again() {
    assert_eq!(Plan::of(7, 12), Plan::of(7, 12));
    assert_ne!(Plan::of(7, 12), Plan::of(8, 12));
    for seed in 0..100 {
        let mut away = Vec::new();
        for (_, act) in Plan::of(seed, 12).acts {
            match act {
                Act::Kill(instance) => {
                    assert!(!away.contains(&instance), "seed {seed}");
                    away.push(instance);
                }
                Act::Start(instance) => away.retain(|one| *one != instance),
                Act::Say(client) | Act::Cut(client) => assert!(client < 12),
                Act::CloseBroker => {}
            }
        }
        assert!(away.is_empty(), "seed {seed}");
    }
}
