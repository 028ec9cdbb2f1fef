//! Moderation and its log under failures and conflicts.

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use primitives::Role;
use tonic::{Code, Status};

use crate::command::Command;
use crate::proxy::Fate;
use crate::world::{Client, LIVE, OWNER, World};

/// Runs one of each action. Each affects a different user, from `user` on.
async fn moderate(client: &Client, message: &str, user: i64) -> [Result<(), Status>; 7] {
    let (delete, ban, time_out, unban, add, remove, change) = tokio::join!(
        client.delete(message),
        client.ban(user, None),
        client.ban(user + 1, Some(600)),
        client.unban(user + 2),
        client.add_moderator(user + 3),
        client.remove_moderator(user + 4),
        client.update_settings(None, None, Some(&["bad"])),
    );
    [
        delete,
        ban.map(drop),
        time_out.map(drop),
        unban,
        add,
        remove,
        change.map(drop),
    ]
}

/// Creates what the actions affect: a message, a banned user and a moderator.
async fn prepare(world: &World, owner: &Client, viewer: &Client, user: i64) -> String {
    let message = viewer.send("spam").await.unwrap();
    owner.ban(user + 2, None).await.unwrap();
    owner.add_moderator(user + 4).await.unwrap();
    assert!(world.count("log", LIVE).await > 0);
    message.id
}

/// Returns everything that the actions change, and the log.
async fn state(world: &World) -> Vec<Vec<Document>> {
    let mut state = vec![world.stored(LIVE).await];
    for collection in ["bans", "moderators", "settings", "log"] {
        let all = world.mongo.database().collection::<Document>(collection);
        let found = all.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
        state.push(found.try_collect().await.unwrap());
    }
    state
}

/// The connection breaks, as when a process breaks_before: first between the log entry and the action, then
/// before the commit of both.
#[tokio::test]
async fn actions_and_log_entries_are_atomic() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let (replica, broken) = (world.fast_replica().await, world.replica_behind(&proxy).await);
    let (owner, viewer) = (
        world.client(&replica, OWNER, Role::User),
        world.client(&replica, 5, Role::User),
    );
    let failing = world.client(&broken, OWNER, Role::User);
    let before_the_action: fn(&Command) -> bool =
        |command| command.is_in_transaction() && command.writes() && command.collection() != "log";
    let before_the_commit: fn(&Command) -> bool = |command| command.name() == "commitTransaction";
    for (user, breaks_before) in [(20, before_the_action), (30, before_the_commit)] {
        let message = prepare(&world, &owner, &viewer, user).await;
        let before = state(&world).await;
        proxy.decide(move |command| {
            if breaks_before(command) {
                Fate::Lost
            } else {
                Fate::Passes
            }
        });
        for result in moderate(&failing, &message, user).await {
            assert_eq!(result.unwrap_err().code(), Code::Unavailable);
        }
        assert!(proxy.take_commands().iter().any(breaks_before));
        assert_eq!(state(&world).await, before);
        proxy.decide(|_| Fate::Passes);
        if user == 20 {
            // A retry succeeds, and each action is logged once.
            for done in moderate(&owner, &message, user).await {
                done.unwrap();
            }
            let entries = world.count("log", LIVE).await;
            let had = u64::try_from(before.last().unwrap().len()).unwrap();
            assert_eq!(entries - had, 7);
        }
    }
}

/// Moderators who change the same documents at once all succeed, in some order; a message is deleted once.
#[tokio::test]
async fn concurrent_actions_all_succeed() {
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let viewer = world.client(&replicas[0], 5, Role::User);
    let message = viewer.send("spam").await.unwrap();
    let message = message.id.as_str();
    let clients = [
        world.client(&replicas[0], OWNER, Role::User),
        world.client(&replicas[1], 9, Role::Admin),
        world.client(&replicas[1], 8, Role::Moderator),
    ];
    let all = clients.iter().map(|client| async move {
        tokio::try_join!(
            client.ban(6, Some(600)),
            client.delete(message),
            client.update_settings(Some(1), None, None),
        )
    });
    for done in futures::future::join_all(all).await {
        done.unwrap();
    }
    let log = clients[0].log().await.unwrap();
    let entries = |action: &str| log.iter().filter(|entry| entry.action == action).count();
    assert_eq!(
        (
            entries("user_timed_out"),
            entries("message_deleted"),
            entries("settings_updated")
        ),
        (3, 1, 3)
    );
}
