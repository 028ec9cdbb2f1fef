//! Access to a platform's databases and metrics.

use anyhow::Result;
use stack::{Platform, Service};
use tokio_postgres::{Client, NoTls};

/// Returns the URL of a service's database.
pub fn database_url(platform: &Platform, service: Service) -> Result<String> {
    platform.wiring().variable(service, "AIRWAVE_DATABASE_URL")
}

/// Connects to a service's database.
pub async fn database(platform: &Platform, service: Service) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(&database_url(platform, service)?, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Returns the metrics of a service in Prometheus' text format.
pub async fn metrics(platform: &Platform, service: Service) -> Result<String> {
    let address = platform.wiring().variable(service, "AIRWAVE_INTERNAL_ADDR")?;
    let answer = reqwest::get(format!("http://{address}/metrics")).await?;
    Ok(answer.text().await?)
}

/// Returns the value of a metric without labels, if present.
#[must_use]
pub fn metric(metrics: &str, name: &str) -> Option<f64> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}
