//! The API reference in a real browser.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use e2e::browser::reference;
use serde_json::Value;
use stack::{Platform, PlatformOptions};

#[tokio::test(flavor = "multi_thread")]
async fn reference_shows_every_operation_from_our_origin_alone() -> Result<()> {
    let platform = Platform::start(PlatformOptions::default()).await?;
    let seen = reference(platform.origin()).await?;
    ensure!(seen.violations.is_empty() && seen.foreign.is_empty(), "{seen:?}");
    ensure!(seen.errors.is_empty(), "{seen:?}");
    let description: Value = reqwest::get(format!("{}/openapi.json", platform.origin()))
        .await?
        .json()
        .await?;
    let paths = description["paths"].as_object().context("no paths")?;
    let described: BTreeSet<_> = paths
        .values()
        .filter_map(Value::as_object)
        .flat_map(|methods| methods.values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let shown = seen.operations.iter().map(|id| id.trim()).collect();
    ensure!(described == shown, "described {described:?}, shown {shown:?}");
    platform.stop().await
}
