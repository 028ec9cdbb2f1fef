//! Measures reads of the REST API on a filled platform.
//!
//! Run it with `make bench-rest`, which provides release builds and a stack. Everything, including the load,
//! runs on this machine. The load goes to the gateway directly, not through the edge.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod cost;
mod fill;
mod load;
mod peers;
mod queries;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::api::{Api, text};
use load::Target;
use peers::Express;
use stack::{Platform, PlatformOptions, Service};

/// Duration of each measurement: at saturation, at half of it, and at half of the goal.
const SPAN: Duration = Duration::from_secs(10);
/// The row at which the deep page begins.
const DEEP_ROW: usize = 40_000;
/// Number of requests for each of the two pages, alternating.
const PAGES: usize = 300;

#[tokio::main]
async fn main() -> Result<()> {
    let unlimited = ("AIRWAVE_GATEWAY_READS_PER_MINUTE".to_owned(), "0".to_owned());
    let platform = Platform::start(PlatformOptions {
        variables: vec![unlimited],
    })
    .await?;
    let started = Instant::now();
    fill::fill(&platform).await?;
    cost::idle(&platform).await?;
    fill::settle(&platform).await?;
    println!(
        "filled, copied and indexed in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    let target = Target::new(
        platform
            .wiring()
            .variable(Service::Gateway, "AIRWAVE_GATEWAY_REST_ADDR")?,
    );
    let express = Express::start(&platform).await?;
    for queries in queries::all() {
        let queries = Arc::new(queries);
        let most = load::saturate(&target, &queries, SPAN).await?;
        println!("{}: {most}", queries.name);
        for per_second in [most.per_second() / 2.0, queries.goal / 2.0] {
            let steady = load::steady(&target, &queries, per_second, SPAN).await?;
            println!("  at a steady rate: {steady}");
        }
        println!(
            "  cost of one request: {}",
            cost::per_request(&platform, &target, &queries).await?
        );
        let bare = peers::bare(&target, &queries).await?;
        let least = load::saturate(&bare, &queries, SPAN).await?;
        println!("  a bare actix-web handler with the same bytes: {least}");
        let plain = load::saturate(&express.target, &queries, SPAN).await?;
        println!("  Express and Sequelize: {plain}");
    }
    depth(&platform).await?;
    platform.stop().await
}

/// Measures the first page and a deep one, both by cursor, alternating so that both see the same conditions.
async fn depth(platform: &Platform) -> Result<()> {
    let api = Api::guest(platform.origin())?;
    // The end of the year 9999: before the newest VOD.
    let first = "/vod?limit=20&cursor=A4REDMxkHcB__________w".to_owned();
    let mut cursor = text(&api.get("/vod?limit=100").await?.expect(200)?, "/nextCursor")?;
    for _ in 1..DEEP_ROW / 100 {
        let page = api
            .get(&format!("/vod?limit=100&cursor={cursor}"))
            .await?
            .expect(200)?;
        cursor = text(&page, "/nextCursor")?;
    }
    let deep = format!("/vod?limit=20&cursor={cursor}");
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..PAGES {
        near.push(timed(&api, &first).await?);
        far.push(timed(&api, &deep).await?);
    }
    println!(
        "GET /vod by cursor: first page {:.2} ms, at row {DEEP_ROW} {:.2} ms (medians)",
        median(near),
        median(far)
    );
    Ok(())
}

async fn timed(api: &Api, path: &str) -> Result<f64> {
    let sent = Instant::now();
    api.get(path).await?.expect(200)?;
    Ok(sent.elapsed().as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
