//! One acting replica, elected by a session-level advisory lock.
//!
//! The lock lives as long as the connection that took it, so a leader that dies is succeeded as soon as the
//! server notices, and no lease has to be written. The server is told to end a session that says nothing for
//! [`SILENCE`]: a leader that is stopped or cut off is succeeded too. It may wake up in the middle of its
//! work, so that work stays safe to do twice.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{Database, Result};

/// How long the check that the lock is still held may take.
const CHECK: Duration = Duration::from_secs(1);
/// After this silence the server ends the session, and with it the leadership. [`Leadership::hold`] is called
/// more often.
const SILENCE: Duration = Duration::from_secs(15);

/// A candidate for the one acting replica of a piece of work. Dropping it gives the leadership up.
#[derive(Debug)]
pub struct Leadership {
    database: Database,
    name: String,
    session: Option<Session>,
}

impl Leadership {
    /// Stands for the work named, such as `stream.reconciler`; the name counts within one database. Nothing
    /// is asked yet.
    pub fn new(database: &Database, name: impl Into<String>) -> Self {
        Self {
            database: database.clone(),
            name: name.into(),
            session: None,
        }
    }

    /// Says whether this replica is the acting one now, and tries to become it. Call it before each piece of
    /// work, at least every ten seconds. A server that is away means no.
    pub async fn hold(&mut self) -> bool {
        if let Some(session) = &self.session {
            if session.answers().await {
                return true;
            }
            self.session = None;
            tracing::warn!(work = self.name, "leadership lost");
        }
        match self.stand().await {
            Ok(session) => {
                if session.is_some() {
                    tracing::info!(work = self.name, "leadership taken");
                }
                self.session = session;
                self.session.is_some()
            }
            Err(error) => {
                tracing::debug!(work = self.name, %error, "leadership unknown");
                false
            }
        }
    }

    /// Gives the leadership up, so that another replica can take it at once.
    pub async fn resign(&mut self) {
        if let Some(session) = self.session.take() {
            drop(session.client);
            // The driver says goodbye to the server and ends.
            let _ = timeout(CHECK, session.driver).await;
        }
    }

    async fn stand(&self) -> Result<Option<Session>> {
        let silence = SILENCE.as_millis();
        let options = format!("-c statement_timeout=1000 -c idle_session_timeout={silence}");
        let (client, connection) = self.database.own_connection(&options).await?;
        let driver = tokio::spawn(async move {
            // An error ends the session, which the next check notices.
            let _ = connection.await;
        });
        let asked = async {
            let row = client
                .query_one(
                    "SELECT pg_try_advisory_lock(hashtextextended($1, 0))",
                    &[&self.name],
                )
                .await?;
            row.try_get::<_, bool>(0)
        };
        let won = match timeout(CHECK, asked).await {
            Ok(won) => won?,
            Err(_) => false,
        };
        Ok(won.then_some(Session { client, driver }))
    }
}

/// The connection that holds the lock.
#[derive(Debug)]
struct Session {
    client: tokio_postgres::Client,
    driver: JoinHandle<()>,
}

impl Session {
    async fn answers(&self) -> bool {
        matches!(
            timeout(CHECK, self.client.simple_query("SELECT 1")).await,
            Ok(Ok(_))
        )
    }
}
