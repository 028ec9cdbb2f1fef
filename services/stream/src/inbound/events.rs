//! Events of the auth service, and the snapshot that a new copy begins with.

use std::time::Duration;

use bus::{Bus, Consumer, Delivery, Failure};
use primitives::UserId;
use proto::Peer;
use proto::events::v1::event::Payload;
use runtime::Shutdown;

use crate::outbound::auth::{PAGE, snapshot_page};
use crate::store::Store;
use crate::store::owners::{CONSUMER, Change};

const KEYS: &[&str] = &[
    "user.registered",
    "user.updated",
    "user.banned",
    "user.unbanned",
    "user.deleted",
];
/// Between two tries to reach auth.
const RETRY: Duration = Duration::from_secs(2);
/// Between the two passes of a snapshot: by the second the queue has been bound for a while, so nobody falls
/// between the two.
const PASSES: Duration = Duration::from_secs(30);

/// Keeps the owners' copy up to date until a stop is asked for.
pub async fn hear(store: Store, bus: Bus, shutdown: Shutdown) {
    let handler = move |delivery: Delivery| {
        let store = store.clone();
        async move { apply(&store, delivery).await }
    };
    Consumer::new(CONSUMER, KEYS)
        .run(bus, shutdown.soft_token(), handler)
        .await;
}

async fn apply(store: &Store, delivery: Delivery) -> Result<(), Failure> {
    let Some((user, change)) = delivery.event.payload.and_then(change_of) else {
        return Ok(());
    };
    let user = UserId::try_from(user).map_err(Failure::fail)?;
    Ok(store
        .owner_apply(delivery.id, user, delivery.event.version, change)
        .await?)
}

fn change_of(payload: Payload) -> Option<(i64, Change)> {
    Some(match payload {
        Payload::UserRegistered(user) => (
            user.user_id,
            Change::Named {
                username: user.username,
                display_name: user.display_name,
            },
        ),
        Payload::UserUpdated(user) => (
            user.user_id,
            Change::Named {
                username: user.username,
                display_name: user.display_name,
            },
        ),
        Payload::UserBanned(user) => (user.user_id, Change::Banned(true)),
        Payload::UserUnbanned(user) => (user.user_id, Change::Banned(false)),
        Payload::UserDeleted(user) => (user.user_id, Change::Deleted),
        _ => return None,
    })
}

/// Fills a new copy from auth's snapshot, once in the life of the database. Every replica may do it.
pub async fn fill(store: Store, auth: Peer, shutdown: Shutdown) {
    let work = async {
        while !filled(&store).await {
            pass(&store, &auth).await;
            tokio::time::sleep(PASSES).await;
            pass(&store, &auth).await;
            match store.owners_are_filled().await {
                Ok(()) => tracing::info!("owners filled from the snapshot"),
                Err(error) => tracing::warn!(%error, "the snapshot is not noted, it will be taken again"),
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown.stopping() => {}
    }
}

async fn filled(store: &Store) -> bool {
    loop {
        match store.owners_filled().await {
            Ok(filled) => return filled,
            Err(error) => tracing::warn!(%error, "not known whether owners are filled, trying again"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// One pass over all pages; a page that fails is tried until it comes.
async fn pass(store: &Store, auth: &Peer) {
    let mut after = 0;
    loop {
        let page = async {
            let page = snapshot_page(auth, after).await?;
            let last = page
                .last()
                .map(|owner| owner.id)
                .filter(|_| page.len() >= PAGE as usize);
            store.owners_fill(page).await?;
            Ok::<_, primitives::Error>(last)
        };
        match page.await {
            Ok(Some(last)) => after = last,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "no page of the snapshot, trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
