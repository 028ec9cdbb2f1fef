//! Moderation: each command runs in one transaction with its entry in the moderation log, so that neither is
//! stored without the other. MongoDB supports transactions on every replica set, even one with a single
//! member.
//!
//! The log entry, which no other transaction touches, comes first, and the command right before the commit.
//! What an open transaction has changed is locked until the server gives up on it. After a process dies in
//! between, that takes `transactionLifetimeLimitSeconds`, a minute by default.

use std::time::Duration;

use mongodb::ClientSession;
use storage::Mongo;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::command::{COMMAND_TIMEOUT, timed_out};
use super::log::{LogEntry, log_add};
use crate::domain::ModerationContext;
use crate::error::{Error, Result};

/// The delay after a conflict with another transaction.
const RETRY_DELAY: Duration = Duration::from_millis(10);

pub trait ModerationCommand: Send + Sync + 'static {
    type Output: Send + 'static;

    fn entry(&self, context: ModerationContext) -> LogEntry;

    /// Applies the command as part of the session's transaction, again for every retry of the transaction. An
    /// error rolls back the log entry, too.
    fn apply(&self, tx: Transaction<'_>) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// What a command applies to.
pub struct Transaction<'a> {
    pub context: ModerationContext,
    pub mongo: &'a Mongo,
    pub session: &'a mut ClientSession,
}

/// Runs a command and logs it, on its own task: a caller that disconnects leaves no transaction open.
///
/// # Errors
/// Those of [`ModerationCommand::apply`]. After [`Error::Unavailable`] the command may have been committed,
/// together with its log entry.
pub async fn moderate<C: ModerationCommand>(
    mongo: &Mongo,
    context: ModerationContext,
    command: C,
) -> Result<C::Output> {
    let mongo = mongo.clone();
    let work = async move {
        let done = timeout(COMMAND_TIMEOUT, retry_conflicts(&mongo, context, &command)).await;
        done.unwrap_or_else(|_| Err(timed_out()))
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(error) => Err(Error::Internal(format!("moderation task failed: {error}"))),
    }
}

/// Retries while other transactions change the same documents. The server lets one of them through each time.
async fn retry_conflicts<C: ModerationCommand>(
    mongo: &Mongo,
    context: ModerationContext,
    command: &C,
) -> Result<C::Output> {
    let mut session = mongo.database().client().start_session().await?;
    loop {
        match transact(mongo, &mut session, context, command).await {
            Err(Error::TransactionAborted(reason)) => tracing::debug!(reason, "retrying moderation"),
            done => return done,
        }
        sleep(RETRY_DELAY).await;
    }
}

async fn transact<C: ModerationCommand>(
    mongo: &Mongo,
    session: &mut ClientSession,
    context: ModerationContext,
    command: &C,
) -> Result<C::Output> {
    session.start_transaction().await?;
    let written = async {
        log_add(mongo, session, &command.entry(context)).await?;
        let transaction = Transaction {
            context,
            mongo,
            session,
        };
        command.apply(transaction).await
    };
    match written.await {
        Ok(output) => {
            session.commit_transaction().await?;
            Ok(output)
        }
        Err(error) => {
            session.abort_transaction().await?;
            Err(error)
        }
    }
}
