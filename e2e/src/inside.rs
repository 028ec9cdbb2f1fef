//! What only benches and tests see of a platform: its databases, and what its services count.

use anyhow::Result;
use stack::{Platform, Service};
use tokio_postgres::{Client, NoTls};

/// The URL of a service's database.
///
/// # Errors
/// The service has none.
pub fn database_url(platform: &Platform, service: Service) -> Result<String> {
    platform.wiring().variable(service, "AIRWAVE_DATABASE_URL")
}

/// A connection to a service's database, as long as the client lives.
///
/// # Errors
/// The service has none, or it does not answer.
pub async fn database(platform: &Platform, service: Service) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(&database_url(platform, service)?, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// All metrics of a service, in Prometheus' text format.
///
/// # Errors
/// The service does not answer.
pub async fn metrics(platform: &Platform, service: Service) -> Result<String> {
    let address = platform.wiring().variable(service, "AIRWAVE_INTERNAL_ADDR")?;
    let answer = reqwest::get(format!("http://{address}/metrics")).await?;
    Ok(answer.text().await?)
}

/// The value of a metric without labels, once there is one.
#[must_use]
pub fn metric(metrics: &str, name: &str) -> Option<f64> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}
