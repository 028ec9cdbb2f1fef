//! Draining: sockets are warned and closed, and events in progress are finished.

use std::time::Duration;

use bus::BusConfig;
use gateway::Config;
use runtime::ServiceConfig;
use serde_json::json;
use storage::RedisConfig;

use crate::client::{Client, Options};
use crate::sockets::leases;
use crate::world::World;

/// The reason of a disconnect packet, after which the client does not reconnect by itself.
const DISCONNECT_PACKET: &str = "io server disconnect";

#[tokio::test]
async fn sockets_are_warned_then_closed() {
    let world = World::with(|config| config.socket.gateway_drain_seconds = 2).await;
    world.stream(1, true);
    let polling = Options {
        auth: json!({ "token": world.token(6, "bob") }),
        transport: "polling",
        ..Options::default()
    };
    let mut sockets = vec![
        world.socket(5, "ann").await,
        Client::start(&world.app.socket, &polling),
        world.socket(7, "cy").await,
    ];
    for socket in &mut sockets {
        socket.join(1).await;
    }
    leases(&world, &["u:5", "u:6", "u:7"]).await;
    let url = format!("{}/socket.io/?EIO=4&transport=polling", world.app.socket);
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 200);

    world.app.stop();
    for socket in &mut sockets {
        let hint = socket.event("server_draining").await["reconnectInMs"].as_u64();
        assert!(hint.is_some_and(|ms| ms < 3000), "{hint:?}");
        assert_ne!(socket.event("disconnect").await["reason"], DISCONNECT_PACKET);
    }
    leases(&world, &[]).await;
    // The request may reuse a connection that is still open; a new one is not accepted.
    if let Ok(late) = world.http.get(&url).send().await {
        assert_eq!(late.status(), 503);
    }
}

#[tokio::test]
async fn message_in_progress_is_finished() {
    let world = World::new().await;
    world.stream(1, true);
    let mut ann = world.socket(5, "ann").await;
    ann.join(1).await;
    world.peers.state().chat_takes = Duration::from_millis(500);
    let sent = async {
        let message = json!({"streamId": 1, "message": "the last message"});
        let answer = ann.ask("chat_message", message).await;
        (answer, ann.event("disconnect").await)
    };
    let stopped = async {
        stack::eventually(crate::world::SOON, "the message to reach chat", async || {
            world.peers.state().chats_asked == 1
        })
        .await
        .unwrap();
        world.app.stop();
    };
    let ((answer, end), ()) = tokio::join!(sent, stopped);
    assert_eq!(answer["ok"], true, "{answer}");
    assert_ne!(end["reason"], DISCONNECT_PACKET);
    assert_eq!(world.peers.state().messages[&1].len(), 1);
    leases(&world, &[]).await;
}

#[test]
fn drain_must_be_shorter_than_the_stop_grace() {
    let mut config = Config::for_testing(
        BusConfig::new("amqp://localhost"),
        RedisConfig::new("redis://localhost", "test"),
        &"http://localhost:1".parse().unwrap(),
    );
    assert_eq!(config.check(), Ok(()));
    config.socket.gateway_drain_seconds = config.process.stop_grace_seconds;
    assert_eq!(
        config.check().unwrap_err().to_string(),
        "AIRWAVE_GATEWAY_DRAIN_SECONDS must be less than AIRWAVE_STOP_GRACE_SECONDS"
    );
}
