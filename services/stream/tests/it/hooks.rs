//! Hooks that the test sends: malicious, unauthorised and repeated ones.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use stack::eventually;

use crate::world::{ANNA, NODE, TIMEOUT, World, ended, recorded, started};

const COMMON: &str = "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&\
                      tcurl=rtmp://127.0.0.1/live&pageurl=&addr=127.0.0.1";

fn publish_body(client: i64, key: &str) -> String {
    let (name, arguments) = key.split_once('?').unwrap();
    format!("{COMMON}&clientid={client}&call=publish&name={name}&type=live&{arguments}")
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_the_secret_get_404() {
    let world = World::new().await;
    let (_, key) = world.create().await;
    let url = format!(
        "http://{}/internal/rtmp/{NODE}/boot/publish",
        world.replica.app.hooks_addr
    );
    let (client, secret) = (
        reqwest::Client::new(),
        world.config.stream_hook_secret.expose_secret(),
    );
    let body = || publish_body(1, &key);
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    for (request, what) in [
        (client.post(&url).body(body()), "no secret"),
        (
            client.post(&url).bearer_auth("wrong").body(body()),
            "a wrong secret",
        ),
        (
            client.post(&url).basic_auth("x", Some(secret)).body(body()),
            "another scheme",
        ),
        (client.get(&url).bearer_auth(secret), "GET"),
        (client.put(&url).bearer_auth(secret).body(body()), "PUT"),
        (client.post(&url).bearer_auth(secret), "no body"),
    ] {
        assert_eq!(status(request).await, 404, "{what}");
    }
    for other in [url.replace("publish", "delete"), url.replace("boot", "%2e%2e%2f")] {
        let request = client.post(&other).bearer_auth(secret).body(body());
        assert_eq!(status(request).await, 404, "{other}");
    }
    assert_eq!(
        status(client.post(&url).bearer_auth(secret).body("x".repeat(20_000))).await,
        413
    );
    assert_eq!(publishes(&world).await, 0);
    assert_eq!(
        status(client.post(&url).bearer_auth(secret).body(body())).await,
        204
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn malicious_bodies_are_rejected() {
    let world = World::new().await;
    let (_, key) = world.create().await;
    let (name, arguments) = key.split_once('?').unwrap();
    let good = publish_body(1, &key);
    let named = |name: &str| format!("{COMMON}&clientid=1&call=publish&name={name}&type=live&{arguments}");
    for (case, body) in [
        ("two names", format!("{good}&name=victim")),
        ("two calls", format!("{good}&call=record_done&path=/etc/passwd")),
        ("two clients", format!("{good}&clientid=99")),
        ("two addresses", format!("{good}&addr=10.0.0.1")),
        ("two keys", format!("{good}&key=live_x")),
        ("an escaped second name", format!("{good}&n%61me=victim")),
        ("half an escape", format!("{good}&x=%2")),
        ("no client", good.replace("clientid=1&", "")),
        (
            "a key with a trailing blank",
            good.replace(arguments, &format!("{arguments}%20")),
        ),
        ("no key", named(name).replace(arguments, "")),
        (
            "a long key",
            named(name).replace(arguments, &format!("key=live_{}", "a".repeat(4000))),
        ),
        ("an unknown name", named("aaaaaaaaaaaaaaaaaaaa")),
        ("no name", named("")),
        ("a long name", named(&"a".repeat(255))),
        ("a path", named("a/b")),
        ("dots", named("..")),
        ("a zero byte", named("%00")),
    ] {
        assert_eq!(world.hook("boot", "publish", &body).await, 403, "{case}");
    }
    assert_eq!(publishes(&world).await, 0);
    assert_eq!(
        world
            .hook(
                "boot",
                "update",
                &good.replace("call=publish", "call=update_publish")
            )
            .await,
        204,
        "unknown"
    );
    assert_eq!(world.hook("boot", "publish_done", &good).await, 204, "unknown");
    let record = good.replace("call=publish", "call=record_done&recorder=&path=/etc/passwd");
    assert_eq!(world.hook("boot", "record_done", &record).await, 403);
    assert_eq!(publishes(&world).await, 0);
    let contradicting = good.replace("call=publish", "call=publish_done");
    assert_eq!(
        world.hook("boot", "publish", &contradicting).await,
        204,
        "the URL wins"
    );
    assert_eq!(publishes(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_rejections_take_the_same_time() {
    let world = World::new().await;
    let (_, key) = world.create().await;
    let (name, _) = key.split_once('?').unwrap();
    let wrong = format!("key=live_{}", "a".repeat(32));
    for key in [
        format!("{name}?{wrong}"),
        format!("{}?{wrong}", "b".repeat(20)),
        format!("{name}?key=x"),
        format!("..?{wrong}"),
    ] {
        let started = Instant::now();
        assert_eq!(world.hook("boot", "publish", &publish_body(1, &key)).await, 403);
        assert!(
            started.elapsed() >= Duration::from_millis(100),
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_hooks_have_no_effect() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 0).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    let sql = world.sql().await;
    let client: i64 = sql
        .query_one("SELECT client_id FROM publishes", &[])
        .await
        .unwrap()
        .get(0);
    let boot = world.node.boot_id().to_owned();
    let publish = publish_body(client, &key);
    assert_eq!(
        world.hook(&boot, "publish", &publish).await,
        204,
        "repeated while live"
    );
    publisher.stop().await.unwrap();
    world.until_live(id, false).await;
    let (_, recording) = world.events.first_with_time("recording.finished", recorded).await;
    let version = world.stream(id).await.version;

    let path = world.node.record_dir().join(&recording.file_name);
    let record = publish.replace(
        "call=publish",
        &format!("call=record_done&recorder=&path={}", path.display()),
    );
    for _ in 0..2 {
        assert_eq!(
            world.hook(&boot, "publish", &publish).await,
            403,
            "the connection has ended"
        );
        assert_eq!(world.hook(&boot, "publish_done", &publish).await, 204);
        assert_eq!(world.hook(&boot, "record_done", &record).await, 204);
        assert_eq!(world.hook(&boot, "update", &publish).await, 204);
    }
    // Once a later event has arrived, no earlier one can be missing.
    world
        .call(ANNA)
        .delete_stream(proto::stream::v1::DeleteStreamRequest { id })
        .await
        .unwrap();
    let deleted = |payload: &proto::events::v1::event::Payload| match payload {
        proto::events::v1::event::Payload::StreamDeleted(deleted) => Some(deleted.stream_id),
        _ => None,
    };
    world.events.first_with_time("stream.deleted", deleted).await;
    let counts = (
        world.events.all_with_times(started).len(),
        world.events.all_with_times(ended).len(),
        world.events.all_with_times(recorded).len(),
    );
    assert_eq!((counts, version), ((1, 1, 1), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_without_media_expires() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    assert_eq!(world.hook("boot", "publish", &publish_body(5, &key)).await, 204);
    let sql = world.sql().await;
    let reason = "SELECT end_reason FROM publishes";
    let expired = async || {
        sql.query_one(reason, &[])
            .await
            .unwrap()
            .get::<_, Option<String>>(0)
    };
    assert_eq!(
        eventually(TIMEOUT, "the expiry", expired).await.unwrap(),
        "never_started"
    );
    assert!(world.events.all_with_times(started).is_empty());
    assert!(world.broadcasts(id).await.broadcasts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn publishes_are_rejected_when_the_disk_is_full() {
    let world = World::with(|config| {
        config.stream_recordings_dir = Some("/".into());
        config.stream_min_free_bytes = u64::MAX;
    })
    .await;
    let (id, key) = world.create().await;
    assert_eq!(world.hook("boot", "publish", &publish_body(5, &key)).await, 403);
    assert_eq!(world.rejections(id).await, ["disk_full"]);
}

async fn publishes(world: &World) -> i64 {
    world
        .sql()
        .await
        .query_one("SELECT count(*) FROM publishes", &[])
        .await
        .unwrap()
        .get(0)
}
