use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use stack::{MediaNode, Publisher, Stack, eventually};

use crate::fake::{Fake, Request};

const HOOK_SECRET: &str = "hook-secret-of-a-test";
const KEY: &str = "alice?key=live_secret_of_alice";

fn right_key(request: &Request) -> u16 {
    if request.body.contains("key=live_secret_of_alice") {
        200
    } else {
        403
    }
}

async fn node(stack: &Stack, hooks: &Fake) -> MediaNode {
    let mut node = stack.media_node("node-a", HOOK_SECRET).unwrap();
    node.start(&hooks.address).await.unwrap();
    node
}

async fn publish(node: &MediaNode, key: &str) -> anyhow::Result<Publisher> {
    Publisher::start(&format!("{}/{key}", node.rtmp_url())).await
}

async fn get(url: String) -> reqwest::Result<reqwest::Response> {
    stack::http_client()
        .unwrap()
        .get(url)
        .send()
        .await?
        .error_for_status()
}

async fn stat(node: &MediaNode) -> String {
    get(format!("{}/stat", node.control_url()))
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

/// Returns how many bytes the node has had from its only publisher.
async fn bytes_in(node: &MediaNode) -> Option<u64> {
    let stat = stat(node).await;
    let (_, stream) = stat.split_once("<stream>")?;
    let (_, bytes) = stream.split_once("<bytes_in>")?;
    bytes.split_once('<')?.0.parse().ok()
}

async fn plays(node: &MediaNode, name: &str) -> reqwest::Response {
    let url = format!("{}/hls/{name}/index.m3u8", node.media_url());
    let playlist = eventually(Duration::from_secs(20), "a playlist", async || {
        get(url.clone()).await
    });
    playlist.await.unwrap()
}

#[tokio::test]
async fn publish_calls_hooks_with_secret_and_is_playable() {
    let stack = stack::shared().await.unwrap();
    let hooks = Fake::start(right_key).await;
    let node = node(stack, &hooks).await;
    let mut publisher = publish(&node, KEY).await.unwrap();

    let playlist = plays(&node, "alice").await;
    assert_eq!(
        playlist.headers()["content-type"],
        "application/vnd.apple.mpegurl"
    );
    assert_eq!(playlist.headers()["cache-control"], "no-cache");
    assert_eq!(playlist.headers()["access-control-allow-origin"], "*");
    let playlist = playlist.text().await.unwrap();
    let segment = playlist.lines().find(|line| line.ends_with(".ts")).unwrap();
    let segment = get(format!("{}/hls/alice/{segment}", node.media_url()))
        .await
        .unwrap();
    assert_eq!(segment.headers()["content-type"], "video/mp2t");
    assert_eq!(
        segment.headers()["cache-control"],
        "public, max-age=60, immutable"
    );
    assert_eq!(segment.headers()["access-control-allow-origin"], "*");
    let dash = format!("{}/dash/alice/index.mpd", node.media_url());
    let dash = eventually(Duration::from_secs(20), "a manifest", async || {
        get(dash.clone()).await
    })
    .await
    .unwrap();
    assert_eq!(dash.headers()["content-type"], "application/dash+xml");

    let hook = hooks.find("publish").unwrap();
    assert_eq!(hook.header("authorization"), Some("Bearer hook-secret-of-a-test"));
    assert_eq!(
        hook.line,
        format!(
            "POST /internal/rtmp/node-a/{}/publish HTTP/1.1\r\n",
            node.boot_id()
        )
    );
    assert!(hook.body.contains("&call=publish&name=alice&"), "{}", hook.body);

    publisher.stop().await.unwrap();
    for call in ["publish_done", "record_done"] {
        let done = eventually(Duration::from_secs(10), call, async || {
            hooks.find(&format!("/{call} "))
        })
        .await
        .unwrap();
        assert_eq!(done.header("authorization"), Some("Bearer hook-secret-of-a-test"));
    }
    let recordings = std::fs::read_dir(node.record_dir()).unwrap();
    let recordings: Vec<_> = recordings
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(recordings.len(), 1);
    assert!(
        recordings[0].starts_with("alice-") && recordings[0].ends_with(".flv"),
        "{recordings:?}"
    );
}

#[tokio::test]
async fn wrong_key_is_rejected_and_no_secret_is_logged() {
    let stack = stack::shared().await.unwrap();
    let hooks = Fake::start(right_key).await;
    let node = node(stack, &hooks).await;
    for key in ["alice?key=live_wrong_secret", "alice"] {
        let mut publisher = publish(&node, key).await.unwrap();
        let status = publisher.wait(Duration::from_secs(20)).await.unwrap();
        assert!(!status.success(), "{}", publisher.log());
    }
    let mut publisher = publish(&node, KEY).await.unwrap();
    plays(&node, "alice").await;
    publisher.kill().await.unwrap();
    eventually(Duration::from_secs(10), "the end of the publish", async || {
        hooks.find("publish_done")
    })
    .await
    .unwrap();
    assert_eq!(
        hooks.count("/publish_done "),
        1,
        "rejected publishes caused hooks"
    );
    for secret in ["live_wrong_secret", "live_secret_of_alice", HOOK_SECRET] {
        assert_eq!(files_with(node.folder(), secret), Vec::<String>::new());
    }
}

/// Returns the files below the folder that contain the text, except for the configuration, which contains the
/// hook secret.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if !path.ends_with("nginx.conf") {
            let bytes = std::fs::read(&path).unwrap();
            let contains = bytes.windows(text.len()).any(|part| part == text.as_bytes());
            found.extend(contains.then(|| path.display().to_string()));
        }
    }
    found
}

#[tokio::test]
async fn configuration_is_readable_by_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let stack = stack::shared().await.unwrap();
    let hooks = Fake::start(right_key).await;
    let node = node(stack, &hooks).await;
    let config = node.folder().join("nginx.conf").metadata().unwrap();
    assert_eq!(config.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn publish_survives_stream_outage_but_not_rejection() {
    let stack = stack::shared().await.unwrap();
    let hooks = Fake::start(right_key).await;
    let mut node = node(stack, &hooks).await;
    let mut publisher = publish(&node, KEY).await.unwrap();
    plays(&node, "alice").await;

    // Every response except a rejection keeps the publish alive.
    for status in [500, 503, 404] {
        let before = hooks.count("/update ");
        hooks.answer(move |_| status);
        let asked = eventually(Duration::from_secs(20), "updates", async || {
            hooks.count("/update ") >= before + 2
        });
        asked.await.unwrap();
        assert!(
            !publisher.ended().unwrap(),
            "{status} ended it: {}",
            publisher.log()
        );
    }
    hooks.answer(|_| 403);
    let status = publisher.wait(Duration::from_secs(20)).await.unwrap();
    assert!(!status.success());

    // So does an unreachable service: media keeps flowing for longer than several updates.
    hooks.answer(right_key);
    let mut publisher = publish(&node, KEY).await.unwrap();
    let start = eventually(Duration::from_secs(20), "media", async || bytes_in(&node).await)
        .await
        .unwrap();
    drop(hooks);
    let five_seconds = 5 * 600_000 / 8;
    let flows = eventually(Duration::from_secs(30), "more media", async || {
        bytes_in(&node)
            .await
            .is_some_and(|bytes| bytes > start + five_seconds)
    });
    flows.await.unwrap();
    assert!(!publisher.ended().unwrap(), "{}", publisher.log());

    // A restarted node has a new boot id.
    let boot = node.boot_id().to_owned();
    node.start("127.0.0.1:9").await.unwrap();
    assert_ne!(node.boot_id(), boot);
}

#[tokio::test]
async fn frozen_publisher_is_dropped() {
    let stack = stack::shared().await.unwrap();
    let hooks = Fake::start(right_key).await;
    let mut node = node(stack, &hooks).await;
    let publisher = publish(&node, KEY).await.unwrap();
    plays(&node, "alice").await;
    publisher.freeze().unwrap();
    eventually(
        Duration::from_secs(20),
        "the publisher to be dropped",
        async || hooks.find("/publish_done "),
    )
    .await
    .unwrap();
    publisher.thaw().unwrap();

    // nginx replaces a killed worker, and the new one accepts publishes.
    let mut again = publish(&node, KEY).await.unwrap();
    eventually(Duration::from_secs(20), "media", async || bytes_in(&node).await)
        .await
        .unwrap();
    node.kill_worker().await.unwrap();
    again.wait(Duration::from_secs(20)).await.unwrap();
    let _third = publish(&node, KEY).await.unwrap();
    eventually(Duration::from_secs(20), "media again", async || {
        bytes_in(&node).await
    })
    .await
    .unwrap();

    // Killing the master must also kill its worker, which would keep the ports in use.
    let master = node.process().unwrap();
    master.signal(Signal::SIGKILL).unwrap();
    master.wait().await.unwrap();
    node.start(&hooks.address).await.unwrap();
    assert!(bytes_in(&node).await.is_none());
}
