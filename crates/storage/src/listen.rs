//! `LISTEN` on a connection of its own, as a wake-up: whoever waits looks at the table itself, so a lost
//! notification costs time and never a row.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::AsyncMessage;

use crate::{Database, Error, Result};

/// Between two attempts to listen again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens on a channel for as long as the returned value lives, through every reconnection.
pub fn listen(database: &Database, channel: &'static str) -> Wakeups {
    let notify = Arc::new(Notify::new());
    let (database, woken) = (database.clone(), Arc::clone(&notify));
    let task = tokio::spawn(async move {
        loop {
            if let Err(error) = session(&database, channel, &woken).await {
                tracing::debug!(channel, %error, "listening again soon");
            }
            sleep(PAUSE).await;
        }
    });
    Wakeups {
        notify,
        task: task.abort_handle(),
    }
}

/// The notifications of one channel, folded into "something happened".
#[derive(Debug)]
pub struct Wakeups {
    notify: Arc<Notify>,
    task: AbortHandle,
}

impl Wakeups {
    /// Waits until a notification arrived since the last call, or listening has begun anew and some may have
    /// been missed.
    pub async fn notified(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn session(database: &Database, channel: &str, woken: &Notify) -> Result<()> {
    let (client, mut connection) = database.own_connection("").await?;
    let statement = format!("LISTEN \"{channel}\"");
    let subscribe = async {
        let listening = timeout(Duration::from_secs(2), client.batch_execute(&statement)).await;
        listening.map_err(|_| Error::Unavailable("LISTEN was not answered".to_owned()))??;
        woken.notify_one();
        std::future::pending::<Result<()>>().await
    };
    let receive = async {
        loop {
            match poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(_))) => woken.notify_one(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            }
        }
    };
    tokio::select! {
        result = subscribe => result,
        result = receive => result,
    }
}
