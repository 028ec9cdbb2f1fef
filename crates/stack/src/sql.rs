//! Single SQL statements, each on its own connection.

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};

/// Opens a connection; its task ends when the client is dropped.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // The client's next call reports the error.
        let _ = connection.await;
    });
    Ok(client)
}

/// Runs statements without parameters.
pub(crate) async fn execute(url: &str, statements: &str) -> Result<()> {
    let client = connect(url).await?;
    client
        .batch_execute(statements)
        .await
        .with_context(|| format!("failed: {statements}"))
}
