//! A broadcast from its first frame to its recording.

use std::time::{Duration, Instant};

use proto::stream::v1::{ResolveRecordingRequest, StreamStatus};
use stack::eventually;

use crate::world::{ANNA, NODE, TIMEOUT, World, ended, recorded, started};

#[tokio::test(flavor = "multi_thread")]
async fn stream_goes_live_with_media_and_its_end_leaves_a_recording() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let before = world.stream(id).await;
    assert_eq!(
        (before.status(), before.broadcast_id, before.playback_urls),
        (StreamStatus::Ended, 0, None)
    );

    let mut publisher = world.publish(&key).await;
    let (_, event) = world.events.first_with_time("stream.started", started).await;
    assert_eq!(
        (event.stream_id, event.user_id, event.title.as_str()),
        (id, ANNA.0, "A title")
    );

    let live = world.stream(id).await;
    let (name, secret) = key.split_once("?key=").unwrap();
    let urls = live.playback_urls.clone().unwrap();
    assert_eq!(
        urls.hls,
        format!("{}/hls/{name}/index.m3u8", world.node.media_url())
    );
    assert_eq!((live.broadcast_id, live.end_time), (event.broadcast_id, None));
    playlist_appears(&urls.hls).await;
    let file_name = first_recording(&world);
    let owner = resolve(&world, &file_name).await.unwrap();
    assert!(owner.on_air && owner.broadcast_id == event.broadcast_id);

    publisher.stop().await.unwrap();
    let (_, over) = world.events.first_with_time("stream.ended", ended).await;
    assert_eq!(
        (over.broadcast_id, over.reason.as_str()),
        (event.broadcast_id, "publisher_gone")
    );
    let (_, recording) = world.events.first_with_time("recording.finished", recorded).await;
    assert_eq!(
        (recording.node.as_str(), &recording.file_name),
        (NODE, &file_name)
    );
    assert_eq!(
        (recording.broadcast_id, recording.stream_id),
        (event.broadcast_id, id)
    );
    let owner = resolve(&world, &file_name).await.unwrap();
    assert!(!owner.on_air && owner.key_fingerprint == recording.key_fingerprint && owner.title == "A title");

    let after = world.stream(id).await;
    assert!(after.end_time.is_some() && after.viewer_count == 0 && after.playback_urls.is_none());
    let listed = world.broadcasts(id).await.broadcasts;
    assert_eq!(
        listed.iter().map(|b| b.end_reason.as_str()).collect::<Vec<_>>(),
        ["publisher_gone"]
    );
    assert!(
        !is_anywhere(&world, secret),
        "a file of the media node contains the secret"
    );
}

async fn playlist_appears(url: &str) {
    let playlist = async || {
        reqwest::get(url)
            .await
            .is_ok_and(|answer| answer.status().is_success())
    };
    eventually(TIMEOUT, "the playlist", playlist).await.unwrap();
}

/// Returns the file name of a recording on the media node.
fn first_recording(world: &World) -> String {
    let mut files = std::fs::read_dir(world.node.record_dir()).unwrap();
    files.next().unwrap().unwrap().file_name().into_string().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_file_has_no_owner() {
    let world = World::new().await;
    for name in ["abcdefghijklmnopqrst-1795374426.flv", "../etc/passwd", ""] {
        assert_eq!(resolve(&world, name).await, None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broadcast_ends_without_hooks_when_nginx_is_killed() {
    let mut world = World::new().await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    world.node.kill_worker().await.unwrap();
    publisher.wait(TIMEOUT).await.unwrap();
    let (_, over) = world.events.first_with_time("stream.ended", ended).await;
    assert_eq!(over.reason, "publisher_gone");
    let file = std::fs::read_dir(world.node.record_dir())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .file_name();
    let owner = resolve(&world, file.to_str().unwrap()).await.unwrap();
    assert!(
        !owner.on_air && owner.broadcast_id == over.broadcast_id,
        "the sweeper finds the owner of the file"
    );
    assert!(world.events.all_with_times(recorded).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn broadcast_outlives_an_unreachable_node_until_the_timeout() {
    let mut world = World::with(|config| config.stream_node_silence_seconds = 10).await;
    let (id, key) = world.create().await;
    let _publisher = world.go_live(id, &key).await;
    let stopped = Instant::now();
    world.node.stop().await.unwrap();
    let (received, over) = world.events.first_with_time("stream.ended", ended).await;
    assert_eq!(over.reason, "node_lost");
    assert!(
        received - stopped > Duration::from_secs(7),
        "ended {:?} after the node stopped",
        received - stopped
    );
}

async fn resolve(world: &World, file_name: &str) -> Option<proto::stream::v1::RecordingOwner> {
    let mut client = world.call_as(None, identity::ServiceName::Vod);
    let request = ResolveRecordingRequest {
        node: NODE.into(),
        file_name: file_name.into(),
    };
    client
        .resolve_recording(request)
        .await
        .unwrap()
        .into_inner()
        .owner
}

/// Searches the names and contents of the media node's files.
fn is_anywhere(world: &World, secret: &str) -> bool {
    let mut folders = vec![world.node.folder().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            if path.to_string_lossy().contains(secret) || text.contains(secret) {
                return true;
            }
        }
    }
    false
}
