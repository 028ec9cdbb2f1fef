//! The sweeper.

use proto::events::v1::event::Payload;
use proto::vod::v1::VodStatus;

use crate::recording::three_seconds;
use crate::world::{World, finished, owner_of};

const FILE: &str = "abcdefghijklmnopqrst-1795376364.flv";

#[tokio::test]
async fn recording_without_event_is_adopted_after_its_broadcast() {
    let world = World::running().await;
    let answer = |on_air| {
        let owner = owner_of(&finished(FILE), on_air);
        world.peers.stream.set_recording(FILE, owner);
    };
    answer(true);
    world.record(FILE, three_seconds());
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(world.vods().await.is_empty(), "its publish is still active");
    answer(false);
    let vod = world.wait_for_vod(VodStatus::Ready).await;
    assert_eq!((vod.title.as_str(), vod.stream_id), ("Evening", Some(3)));
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    assert_eq!(world.vods().await.len(), 1, "the late event has no effect");
}

#[tokio::test]
async fn empty_files_of_rejected_publishes_are_removed() {
    let world = World::running().await;
    world.record("abcdefghijklmnopqrst-1795376300.flv", b"");
    world.record("zzzzzzzzzzzzzzzzzzzz-1795376365.flv", three_seconds());
    world.record("notes.txt", b"mine");
    world
        .eventually("the empty file to be deleted", async || {
            world.files_on_disk() == ["notes.txt", "zzzzzzzzzzzzzzzzzzzz-1795376365.flv"]
        })
        .await;
    assert!(world.vods().await.is_empty());
}

#[tokio::test]
async fn file_of_a_published_vod_is_removed() {
    let world = World::running().await;
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    world.wait_for_vod(VodStatus::Ready).await;
    world
        .eventually("the file to be deleted", async || {
            world.files_on_disk().is_empty()
        })
        .await;
    world.record(FILE, three_seconds());
    world
        .eventually("the file to go again", async || world.files_on_disk().is_empty())
        .await;
    assert_eq!(world.job_state().await.0, "published");
}

#[tokio::test]
async fn directories_of_dead_attempts_are_removed() {
    let world = World::running().await;
    let left = world.disk.path().join(".work/12345-1");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join(".video.mp4.part"), b"half").unwrap();
    world
        .eventually("the directory to be deleted", async || !left.exists())
        .await;
}
