//! Keeps the copy of owners current with auth's events, and fills a new copy from auth's snapshot.

use std::time::Duration;

use bus::{Bus, Consumer, Delivery, HandlerError};
use primitives::UserId;
use proto::Peer;
use proto::events::v1::event::Payload;
use runtime::Shutdown;

use crate::outbound::auth::{PAGE_SIZE, snapshot_page};
use crate::store::Store;
use crate::store::owners::{CONSUMER, OwnerUpdate};

const ROUTING_KEYS: &[&str] = &[
    "user.registered",
    "user.updated",
    "user.banned",
    "user.unbanned",
    "user.deleted",
];
const RETRY_DELAY: Duration = Duration::from_secs(2);
/// The delay between the two imports of the snapshot. The queue has been bound for a while at the second one,
/// so no user is missed between the snapshot and the events.
const SECOND_IMPORT_DELAY: Duration = Duration::from_secs(30);

/// Runs until shutdown.
pub async fn consume(store: Store, bus: Bus, shutdown: Shutdown) {
    let handler = move |delivery: Delivery| {
        let store = store.clone();
        async move { apply(&store, delivery).await }
    };
    Consumer::new(CONSUMER, ROUTING_KEYS)
        .run(bus, shutdown.soft_token(), handler)
        .await;
}

async fn apply(store: &Store, delivery: Delivery) -> Result<(), HandlerError> {
    let Some((user, update)) = delivery.event.payload.and_then(owner_update) else {
        return Ok(());
    };
    let user = UserId::try_from(user).map_err(HandlerError::fail)?;
    Ok(store
        .owner_apply(delivery.id, user, delivery.event.version, update)
        .await?)
}

fn owner_update(payload: Payload) -> Option<(i64, OwnerUpdate)> {
    Some(match payload {
        Payload::UserRegistered(user) => (
            user.user_id,
            OwnerUpdate::Names {
                username: user.username,
                display_name: user.display_name,
            },
        ),
        Payload::UserUpdated(user) => (
            user.user_id,
            OwnerUpdate::Names {
                username: user.username,
                display_name: user.display_name,
            },
        ),
        Payload::UserBanned(user) => (user.user_id, OwnerUpdate::Banned(true)),
        Payload::UserUnbanned(user) => (user.user_id, OwnerUpdate::Banned(false)),
        Payload::UserDeleted(user) => (user.user_id, OwnerUpdate::Deleted),
        _ => return None,
    })
}

/// Fills a new copy from auth's snapshot, once in the lifetime of the database. Every replica may do it.
pub async fn import_snapshot(store: Store, auth: Peer, shutdown: Shutdown) {
    let work = async {
        while !is_complete(&store).await {
            import_pages(&store, &auth).await;
            tokio::time::sleep(SECOND_IMPORT_DELAY).await;
            import_pages(&store, &auth).await;
            match store.owners_mark_complete().await {
                Ok(()) => tracing::info!("imported the snapshot of owners"),
                Err(error) => tracing::warn!(%error, "failed to mark the snapshot as imported, repeating it"),
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown.stopping() => {}
    }
}

async fn is_complete(store: &Store) -> bool {
    loop {
        match store.owners_complete().await {
            Ok(complete) => return complete,
            Err(error) => tracing::warn!(%error, "failed to check for the snapshot of owners, retrying"),
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Imports all pages. Retries a page until it succeeds.
async fn import_pages(store: &Store, auth: &Peer) {
    let mut after = 0;
    loop {
        let page = async {
            let page = snapshot_page(auth, after).await?;
            let last = page
                .last()
                .map(|owner| owner.id)
                .filter(|_| page.len() >= PAGE_SIZE as usize);
            store.owners_import(page).await?;
            Ok::<_, primitives::Error>(last)
        };
        match page.await {
            Ok(Some(last)) => after = last,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "failed to import a page of the snapshot, retrying");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }
}
