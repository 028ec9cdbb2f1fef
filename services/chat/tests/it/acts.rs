//! What is done to moderate a room, and the log of it, when something goes wrong in between.

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use primitives::Role;
use tonic::{Code, Status};

use crate::command::Command;
use crate::proxy::Fate;
use crate::world::{Client, LIVE, OWNER, World};

/// One of each act, on people of their own.
async fn act(client: &Client, message: &str, people: i64) -> [Result<(), Status>; 7] {
    let (delete, ban, time_out, unban, add, remove, change) = tokio::join!(
        client.delete(message),
        client.ban(people, None),
        client.ban(people + 1, Some(600)),
        client.unban(people + 2),
        client.add_moderator(people + 3),
        client.remove_moderator(people + 4),
        client.change(None, None, Some(&["bad"])),
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

/// Something to act on: a message, somebody who is banned, and a moderator.
async fn prepare(world: &World, owner: &Client, viewer: &Client, people: i64) -> String {
    let message = viewer.say("spam").await.unwrap();
    owner.ban(people + 2, None).await.unwrap();
    owner.add_moderator(people + 4).await.unwrap();
    assert!(world.count("log", LIVE).await > 0);
    message.id
}

/// All that acts change, and the log.
async fn state(world: &World) -> Vec<Vec<Document>> {
    let mut state = vec![world.stored(LIVE).await];
    for collection in ["bans", "moderators", "settings", "log"] {
        let all = world.mongo.database().collection::<Document>(collection);
        let found = all.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
        state.push(found.try_collect().await.unwrap());
    }
    state
}

/// The connection ends, as with a process that dies, before the act that follows its entry, and then before
/// the commit of both.
#[tokio::test]
async fn neither_an_act_nor_its_entry_is_there_without_the_other() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let (replica, broken) = (world.fast_replica().await, world.replica_behind(&proxy).await);
    let (owner, viewer) = (
        world.client(&replica, OWNER, Role::User),
        world.client(&replica, 5, Role::User),
    );
    let failing = world.client(&broken, OWNER, Role::User);
    let before_the_act: fn(&Command) -> bool =
        |command| command.is_in_transaction() && command.writes() && command.collection() != "log";
    let before_the_commit: fn(&Command) -> bool = |command| command.name() == "commitTransaction";
    for (people, dies) in [(20, before_the_act), (30, before_the_commit)] {
        let message = prepare(&world, &owner, &viewer, people).await;
        let before = state(&world).await;
        proxy.treat(move |command| if dies(command) { Fate::Lost } else { Fate::Passes });
        for refused in act(&failing, &message, people).await {
            assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        }
        assert!(proxy.seen().iter().any(dies));
        assert_eq!(state(&world).await, before);
        proxy.treat(|_| Fate::Passes);
        if people == 20 {
            // Whoever repeats it finds nothing in the way, and each act is in the log once.
            for done in act(&owner, &message, people).await {
                done.unwrap();
            }
            let entries = world.count("log", LIVE).await;
            let had = u64::try_from(before.last().unwrap().len()).unwrap();
            assert_eq!(entries - had, 7);
        }
    }
}

/// Of those who change the same at once each succeeds, in some order; a message is deleted once.
#[tokio::test]
async fn who_acts_at_the_same_time_is_not_refused() {
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let viewer = world.client(&replicas[0], 5, Role::User);
    let message = viewer.say("spam").await.unwrap();
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
            client.change(Some(1), None, None),
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
