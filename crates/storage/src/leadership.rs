//! Leader election by a session-level advisory lock.
//!
//! The lock lives as long as the connection that took it, so the next leader takes over as soon as the server
//! notices that the old one has disconnected, and no lease has to be written. The server closes a session
//! that is idle for [`IDLE_TIMEOUT`], which also replaces a leader that is suspended or cut off. A suspended
//! leader may resume in the middle of its work, so that work must be safe to do twice.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::database::Database;
use crate::error::Result;

const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// The leader calls [`Leadership::is_leader`] more often than this.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// A candidate for the leadership of one task. Dropping it gives up the leadership.
#[derive(Debug)]
pub struct Leadership {
    database: Database,
    name: String,
    session: Option<Session>,
}

impl Leadership {
    /// Creates a candidate for a task such as `stream.reconciler`. The name is unique within one database.
    pub fn new(database: &Database, name: impl Into<String>) -> Self {
        Self {
            database: database.clone(),
            name: name.into(),
            session: None,
        }
    }

    /// Checks that this replica still leads, or else tries to become the leader. Returns `false` while the
    /// server is unavailable.
    ///
    /// Call it before each piece of work and at least every ten seconds.
    pub async fn is_leader(&mut self) -> bool {
        if let Some(session) = &self.session {
            if session.is_alive().await {
                return true;
            }
            self.session = None;
            tracing::warn!(task = self.name, "leadership lost");
        }
        match self.try_acquire().await {
            Ok(session) => {
                if session.is_some() {
                    tracing::info!(task = self.name, "leadership acquired");
                }
                self.session = session;
                self.session.is_some()
            }
            Err(error) => {
                tracing::debug!(task = self.name, %error, "leadership unknown");
                false
            }
        }
    }

    /// Gives up the leadership, so that another replica can take over at once.
    pub async fn resign(&mut self) {
        if let Some(session) = self.session.take() {
            drop(session.client);
            // Without its client, the driver closes the connection and ends.
            let _ = timeout(CHECK_TIMEOUT, session.driver).await;
        }
    }

    async fn try_acquire(&self) -> Result<Option<Session>> {
        let idle_ms = IDLE_TIMEOUT.as_millis();
        let options = format!("-c statement_timeout=1000 -c idle_session_timeout={idle_ms}");
        let (client, connection) = self.database.dedicated_connection(&options).await?;
        let driver = tokio::spawn(async move {
            // An error ends the session, which the next check notices.
            let _ = connection.await;
        });
        let try_lock = async {
            let row = client
                .query_one(
                    "SELECT pg_try_advisory_lock(hashtextextended($1, 0))",
                    &[&self.name],
                )
                .await?;
            row.try_get::<_, bool>(0)
        };
        let acquired = match timeout(CHECK_TIMEOUT, try_lock).await {
            Ok(acquired) => acquired?,
            Err(_) => false,
        };
        Ok(acquired.then_some(Session { client, driver }))
    }
}

/// The connection that holds the lock.
#[derive(Debug)]
struct Session {
    client: tokio_postgres::Client,
    driver: JoinHandle<()>,
}

impl Session {
    async fn is_alive(&self) -> bool {
        let answer = timeout(CHECK_TIMEOUT, self.client.simple_query("SELECT 1")).await;
        matches!(answer, Ok(Ok(_)))
    }
}
