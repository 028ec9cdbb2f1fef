//! SQL statements and gRPC calls per request, from the services' counters.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::inside;
use stack::{Platform, Service, eventually};
use tokio::time::sleep;

use crate::load::Target;
use crate::queries::Queries;

/// Longer than the gateway caches a response.
const CACHE_EXPIRY: Duration = Duration::from_secs(2);
const COUNTERS: [(&str, &str); 2] = [
    ("sql_statements_total", "SQL statements"),
    ("grpc_calls_total", "gRPC calls"),
];

/// Maximum statements and calls per second of idle services.
const MAX_IDLE_RATE: f64 = 100.0;
/// Services first copy the names of all users.
const TIMEOUT: Duration = Duration::from_secs(600);

type Counts = BTreeMap<(&'static str, &'static str), f64>;

/// Waits until the services are idle.
pub(crate) async fn idle(platform: &Platform) -> Result<()> {
    eventually(TIMEOUT, "idle services", async || {
        let before: f64 = counts(platform).await?.values().sum();
        sleep(Duration::from_secs(1)).await;
        let rate = counts(platform).await?.values().sum::<f64>() - before;
        ensure!(rate < MAX_IDLE_RATE, "{rate} statements and calls per second");
        anyhow::Ok(())
    })
    .await
}

/// Runs every query once and describes the mean cost of one, less the services' background work in the same
/// time.
pub(crate) async fn per_request(platform: &Platform, target: &Target, queries: &Queries) -> Result<String> {
    sleep(CACHE_EXPIRY).await;
    let before = counts(platform).await?;
    let started = Instant::now();
    let requests = target.bodies(queries).await?.len() as f64;
    let after = counts(platform).await?;
    sleep(started.elapsed()).await;
    let idle = counts(platform).await?;
    let one = |key| {
        let at = |counts: &Counts| counts.get(key).copied().unwrap_or_default();
        (2.0 * at(&after) - at(&before) - at(&idle)) / requests
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
