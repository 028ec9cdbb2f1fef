//! What is done to moderate a room, together with its entry in the log: one transaction, so that neither is
//! ever there without the other, whenever a process or a connection ends. MongoDB has transactions wherever
//! it is a replica set, be it of one member.
//!
//! The entry, which nobody else wants to write, comes first, and the act right before the commit. For what an
//! open transaction has touched nobody else may change until the server gives up on it; with a process that
//! died in the middle that takes `transactionLifetimeLimitSeconds`, a minute unless the server is told
//! otherwise.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::ClientSession;
use primitives::{StreamId, UserId};
use storage::Mongo;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::log::{Entry, log_add};
use super::{ANSWER, late};
use crate::error::{Error, Result};

/// Before another attempt, when somebody else was changing the same.
const PAUSE: Duration = Duration::from_millis(10);

/// Who acts, in which room, and when.
#[derive(Debug, Clone, Copy)]
pub struct Acting {
    /// The room.
    pub stream: StreamId,
    /// Who acts.
    pub actor: UserId,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Something that is done to moderate a room.
pub trait Act: Send + Sync + 'static {
    /// What came of it.
    type Done: Send + 'static;

    /// What the log says of it.
    fn entry(&self, acting: Acting) -> Entry;

    /// Does it, as a part of the session's transaction. It is done again when the transaction came to
    /// nothing.
    ///
    /// # Errors
    /// The store's, and why there is nothing to do; then the log says nothing either.
    fn apply(
        &self,
        acting: Acting,
        mongo: &Mongo,
        session: &mut ClientSession,
    ) -> impl Future<Output = Result<Self::Done>> + Send;
}

/// Acts, and writes it down. It is done on a task of its own: a caller who goes away leaves no transaction
/// open.
///
/// # Errors
/// What [`Act::apply`] says, and the store's; after unavailability it may have been done, and then the log
/// says so.
pub async fn act<A: Act>(mongo: &Mongo, acting: Acting, act: A) -> Result<A::Done> {
    let mongo = mongo.clone();
    let work = async move {
        let done = timeout(ANSWER, attempts(&mongo, acting, &act)).await;
        done.unwrap_or_else(|elapsed| Err(late(elapsed)))
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(error) => Err(Error::Internal(format!("an act was cut short: {error}"))),
    }
}

/// Tries for as long as others are in the way. Of those who change the same at once the server lets one
/// through each time.
async fn attempts<A: Act>(mongo: &Mongo, acting: Acting, act: &A) -> Result<A::Done> {
    let mut session = mongo.database().client().start_session().await?;
    loop {
        match attempt(mongo, &mut session, acting, act).await {
            Err(Error::Undone(reason)) => tracing::debug!(reason, "an act is tried again"),
            done => return done,
        }
        sleep(PAUSE).await;
    }
}

async fn attempt<A: Act>(
    mongo: &Mongo,
    session: &mut ClientSession,
    acting: Acting,
    act: &A,
) -> Result<A::Done> {
    session.start_transaction().await?;
    match write(mongo, session, acting, act).await {
        Ok(done) => {
            session.commit_transaction().await?;
            Ok(done)
        }
        Err(error) => {
            session.abort_transaction().await?;
            Err(error)
        }
    }
}

async fn write<A: Act>(
    mongo: &Mongo,
    session: &mut ClientSession,
    acting: Acting,
    act: &A,
) -> Result<A::Done> {
    log_add(mongo, session, &act.entry(acting)).await?;
    act.apply(acting, mongo, session).await
}
