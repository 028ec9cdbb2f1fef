//! The messages and faults of a run, drawn from a seed.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::replicas::{INSTANCES, Instance};

/// Overrides the seed.
const SEED: &str = "AIRWAVE_CHAOS_SEED";
/// Always the same, so that a failure is reproducible.
const DEFAULT_SEED: u64 = 1;
/// The duration of a run.
const LENGTH: Duration = Duration::from_secs(40);
/// Milliseconds between two messages of any client.
const BETWEEN_MESSAGES: std::ops::Range<u64> = 10..150;
/// Milliseconds between two faults.
const BETWEEN_FAULTS: std::ops::Range<u64> = 300..2500;
/// Milliseconds until a killed process restarts: sometimes too short to notice, sometimes longer than
/// timeouts.
const DOWNTIME: std::ops::Range<u64> = 50..4000;

/// An action of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A client, by number, sends a message.
    Send(usize),
    /// A client's connection is closed.
    Cut(usize),
    /// The broker closes all connections of the platform.
    CloseBroker,
    /// A process is killed without warning.
    Kill(Instance),
    /// A killed process restarts on the same addresses.
    Start(Instance),
}

/// All actions, with their times since the start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) acts: Vec<(Duration, Act)>,
}

impl Plan {
    /// Draws the plan from the seed in the environment, or from the default seed.
    pub(super) fn draw(clients: usize) -> Result<Self> {
        let seed = match std::env::var(SEED) {
            Ok(seed) => seed
                .parse::<u64>()
                .with_context(|| format!("{SEED} is not a number"))?,
            Err(_) => DEFAULT_SEED,
        };
        println!("{SEED}={seed}");
        Ok(Self::of(seed, clients))
    }

    fn of(seed: u64, clients: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut acts = messages(&mut random, clients);
        acts.append(&mut faults(&mut random, clients));
        acts.sort_by_key(|(at, _)| *at);
        Self { acts }
    }
}

fn messages(random: &mut StdRng, clients: usize) -> Vec<(Duration, Act)> {
    let (mut acts, mut at) = (Vec::new(), Duration::ZERO);
    while at < LENGTH {
        acts.push((at, Act::Send(random.random_range(0..clients))));
        at += random_millis(random, BETWEEN_MESSAGES);
    }
    acts
}

fn faults(random: &mut StdRng, clients: usize) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let mut up_at = [Duration::ZERO; INSTANCES.len()];
    let mut at = random_millis(random, BETWEEN_FAULTS);
    while at < LENGTH {
        match random.random_range(0..10) {
            0..5 => acts.extend(outage(random, at, &mut up_at)),
            5..7 => acts.push((at, Act::CloseBroker)),
            _ => {
                let count = random.random_range(1..=clients / 2);
                let cut = |_| (at, Act::Cut(random.random_range(0..clients)));
                acts.extend((0..count).map(cut));
            }
        }
        at += random_millis(random, BETWEEN_FAULTS);
    }
    acts
}

/// Kills and restarts a process, unless it is down already.
fn outage(
    random: &mut StdRng,
    at: Duration,
    up_at: &mut [Duration; INSTANCES.len()],
) -> Vec<(Duration, Act)> {
    let which = random.random_range(0..INSTANCES.len());
    if at <= up_at[which] {
        return Vec::new();
    }
    up_at[which] = at + random_millis(random, DOWNTIME);
    let instance = INSTANCES[which];
    vec![(at, Act::Kill(instance)), (up_at[which], Act::Start(instance))]
}

fn random_millis(random: &mut StdRng, milliseconds: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.random_range(milliseconds))
}

#[test]
fn plans_are_reproducible_and_restart_every_killed_process() {
    assert_eq!(Plan::of(7, 12), Plan::of(7, 12));
    assert_ne!(Plan::of(7, 12), Plan::of(8, 12));
    for seed in 0..100 {
        let mut down = Vec::new();
        for (_, act) in Plan::of(seed, 12).acts {
            match act {
                Act::Kill(instance) => {
                    assert!(!down.contains(&instance), "seed {seed}");
                    down.push(instance);
                }
                Act::Start(instance) => down.retain(|one| *one != instance),
                Act::Send(client) | Act::Cut(client) => assert!(client < 12),
                Act::CloseBroker => {}
            }
        }
        assert!(down.is_empty(), "seed {seed}");
    }
}
