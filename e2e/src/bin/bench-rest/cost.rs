//! What one request costs behind the gateway: SQL statements and gRPC calls, from the services' own counters.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::inside;
use stack::{Platform, Service, eventually};
use tokio::time::sleep;

use crate::load::Target;
use crate::queries::Queries;

/// Longer than the gateway keeps an answer.
const FORGOTTEN: Duration = Duration::from_secs(2);
const COUNTERS: [(&str, &str); 2] = [
    ("sql_statements_total", "SQL statements"),
    ("grpc_calls_total", "gRPC calls"),
];

/// SQL statements that the services make in a second by themselves, at most, when they have nothing to do.
const QUIET: f64 = 100.0;
/// The longest wait for that: they copy the names of all users.
const PATIENCE: Duration = Duration::from_secs(600);

type Counts = BTreeMap<(&'static str, &'static str), f64>;

/// Waits until the services have done what they do by themselves.
pub(crate) async fn quiet(platform: &Platform) -> Result<()> {
    eventually(PATIENCE, "quiet", async || {
        let before: f64 = counts(platform).await?.values().sum();
        sleep(Duration::from_secs(1)).await;
        let made = counts(platform).await?.values().sum::<f64>() - before;
        ensure!(made < QUIET, "{made} statements and calls in a second");
        anyhow::Ok(())
    })
    .await
}

/// Asks for every query once and says what one took, without what the services do by themselves in the same
/// time.
pub(crate) async fn of_one(platform: &Platform, target: &Target, queries: &Queries) -> Result<String> {
    sleep(FORGOTTEN).await;
    let before = counts(platform).await?;
    let started = Instant::now();
    let asked = target.bodies(queries).await?.len() as f64;
    let after = counts(platform).await?;
    sleep(started.elapsed()).await;
    let idle = counts(platform).await?;
    let one = |key| {
        let at = |counts: &Counts| counts.get(key).copied().unwrap_or_default();
        (2.0 * at(&after) - at(&before) - at(&idle)) / asked
    };
    let parts = after.keys().map(|key| (key, one(key)));
    let parts = parts.filter(|(_, count)| *count >= 0.005);
    let parts: Vec<String> = parts
        .map(|((what, service), count)| format!("{count:.2} {what} of {service}"))
        .collect();
    Ok(parts.join(", "))
}

async fn counts(platform: &Platform) -> Result<Counts> {
    let mut counts = Counts::new();
    for service in Service::ALL {
        let read = inside::metrics(platform, service).await?;
        for (counter, what) in COUNTERS {
            let value = inside::metric(&read, counter);
            counts.insert((what, service.name()), value.unwrap_or_default());
        }
    }
    Ok(counts)
}
