//! `LISTEN` and `NOTIFY`, used only to wake a task that then reads a table. A lost notification therefore
//! delays work until the next poll, but loses nothing.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::AsyncMessage;

use crate::database::Database;
use crate::error::{Error, Result};

const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Notifies a channel when the current transaction commits; once, however often it is called.
///
/// The channel's name is part of the statement, so it must be a constant.
pub async fn notify(conn: &mut AsyncPgConnection, channel: &'static str) -> QueryResult<()> {
    let statement = diesel::sql_query(format!("NOTIFY \"{channel}\""));
    statement.execute(conn).await.map(drop)
}

/// Listens to a channel on a dedicated connection, which is opened again whenever it breaks.
pub fn listen(database: &Database, channel: &'static str) -> PgListener {
    let notify = Arc::new(Notify::new());
    let (database, wake) = (database.clone(), Arc::clone(&notify));
    let task = tokio::spawn(async move {
        loop {
            if let Err(error) = session(&database, channel, &wake).await {
                tracing::debug!(channel, %error, "LISTEN connection lost, reconnecting");
            }
            sleep(RETRY_DELAY).await;
        }
    });
    PgListener {
        notify,
        task: task.abort_handle(),
    }
}

/// The notifications of one channel, coalesced. Listening stops when it is dropped.
#[derive(Debug)]
pub struct PgListener {
    notify: Arc<Notify>,
    task: AbortHandle,
}

impl PgListener {
    /// Waits until a notification has arrived since the last call, or until the connection was opened again
    /// and notifications may have been missed.
    pub async fn notified(&self) {
        self.notify.notified().await;
    }
}

impl Drop for PgListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn session(database: &Database, channel: &str, wake: &Notify) -> Result<()> {
    let (client, mut connection) = database.dedicated_connection("").await?;
    let statement = format!("LISTEN \"{channel}\"");
    let subscribe = async {
        let listening = timeout(Duration::from_secs(2), client.batch_execute(&statement)).await;
        listening.map_err(|_| Error::Unavailable("LISTEN timed out".to_owned()))??;
        // Notifications may have been sent while nobody was listening.
        wake.notify_one();
        std::future::pending::<Result<()>>().await
    };
    let receive = async {
        loop {
            match poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(_))) => wake.notify_one(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            }
        }
    };
    // The connection makes progress only while `receive` polls it.
    tokio::select! {
        result = subscribe => result,
        result = receive => result,
    }
}
