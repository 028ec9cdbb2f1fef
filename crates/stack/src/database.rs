//! Databases copied from a migrated template, which is much faster than running the migrations.

use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::Client;

use crate::{place, sql, wait};

/// Returns the template for a name and key, and creates it if necessary.
///
/// One process creates it while others wait for an advisory lock, which ends with the connection. The template
/// gets its name when it is complete, so that a killed process leaves no half-migrated template.
pub(crate) async fn template<E: Into<anyhow::Error>>(
    postgres_url: &str,
    name: &str,
    key: &str,
    migrate: impl AsyncFnOnce(String) -> Result<(), E>,
) -> Result<String> {
    let number = hash([key.as_bytes()]);
    let template = format!("template_{name}_{number:016x}");
    let client = sql::connect(postgres_url).await?;
    if exists(&client, &template).await? {
        return Ok(template);
    }
    client
        .execute("SELECT pg_advisory_lock($1)", &[&number.cast_signed()])
        .await?;
    if !exists(&client, &template).await? {
        let unfinished = format!("{template}_new");
        client
            .batch_execute(&format!("DROP DATABASE IF EXISTS \"{unfinished}\""))
            .await?;
        let url = create(postgres_url, &unfinished, None).await?;
        migrate(url)
            .await
            .map_err(Into::into)
            .context("cannot migrate the template")?;
        finish(&client, &unfinished, &template).await?;
    }
    Ok(template)
}

/// Gives the template its name. PostgreSQL copies a database only while it has no connections.
async fn finish(client: &Client, unfinished: &str, template: &str) -> Result<()> {
    let close = format!(
        "ALTER DATABASE \"{unfinished}\" WITH ALLOW_CONNECTIONS false; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'"
    );
    client.batch_execute(&close).await?;
    let rename = format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{template}\"");
    wait::eventually(
        Duration::from_secs(20),
        "connections to the template to close",
        async || client.batch_execute(&rename).await,
    )
    .await
}

async fn exists(client: &Client, database: &str) -> Result<bool> {
    let row = client
        .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&database])
        .await?;
    Ok(row.is_some())
}

/// Creates a database and returns its URL.
pub(crate) async fn create(postgres_url: &str, database: &str, template: Option<&str>) -> Result<String> {
    let template = template.unwrap_or("template0");
    let statement = format!("CREATE DATABASE \"{database}\" TEMPLATE \"{template}\"");
    sql::execute(postgres_url, &statement).await?;
    url(postgres_url, database)
}

/// Creates a database unless it exists, and returns its URL.
pub(crate) async fn ensure(postgres_url: &str, database: &str) -> Result<String> {
    let client = sql::connect(postgres_url).await?;
    if exists(&client, database).await? {
        return url(postgres_url, database);
    }
    create(postgres_url, database, None).await
}

fn url(postgres_url: &str, database: &str) -> Result<String> {
    let (server, _) = postgres_url
        .rsplit_once('/')
        .context("a PostgreSQL URL without a database")?;
    Ok(format!("{server}/{database}"))
}

/// Returns a hash of the migrations of a service and of all shared crates.
pub(crate) fn migrations_key(name: &str) -> Result<String> {
    let checkout = place::checkout();
    let mut files = place::files_below(&checkout.join("services").join(name).join("migrations"));
    for entry in std::fs::read_dir(checkout.join("crates"))? {
        files.extend(place::files_below(&entry?.path().join("migrations")));
    }
    files.sort();
    let mut parts = Vec::new();
    for file in files {
        parts.push(file.as_os_str().as_encoded_bytes().to_vec());
        parts.push(std::fs::read(&file)?);
    }
    Ok(format!("{name} {:x}", hash(parts.iter().map(Vec::as_slice))))
}

/// Stable only for one toolchain, which is enough for the names in one stack.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish()
}
