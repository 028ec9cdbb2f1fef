//! What the sweeper finds on the disk.

use proto::events::v1::event::Payload;
use proto::vod::v1::VodStatus;

use crate::recording::three_seconds;
use crate::world::{World, finished, owner_of};

const FILE: &str = "abcdefghijklmnopqrst-1795376364.flv";

#[tokio::test]
async fn a_recording_that_no_event_told_of_is_adopted_when_its_broadcast_is_over() {
    let world = World::running().await;
    let answer = |on_air| {
        let mut known = world.peers.recordings.lock().unwrap();
        known.insert(FILE.to_owned(), owner_of(&finished(FILE), on_air));
    };
    answer(true);
    world.record(FILE, three_seconds());
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(world.vods().await.is_empty(), "it is on air");
    answer(false);
    let vod = world.the_vod(VodStatus::Ready).await;
    assert_eq!((vod.title.as_str(), vod.stream_id), ("Evening", Some(3)));
    world.hear(Payload::RecordingFinished(finished(FILE)), 1).await;
    assert_eq!(
        world.vods().await.len(),
        1,
        "the event that comes late adds nothing"
    );
}

#[tokio::test]
async fn empty_files_of_refused_publishers_go_and_others_stay() {
    let world = World::running().await;
    world.record("abcdefghijklmnopqrst-1.flv", b"");
    world.record("nobodys-2.flv", three_seconds());
    world.record("notes.txt", b"mine");
    world
        .eventually("the empty file to go", async || {
            world.on_disk() == ["nobodys-2.flv", "notes.txt"]
        })
        .await;
    assert!(world.vods().await.is_empty());
}

#[tokio::test]
async fn a_file_whose_vod_is_published_is_what_a_crash_left() {
    let world = World::running().await;
    world.record(FILE, three_seconds());
    world.hear(Payload::RecordingFinished(finished(FILE)), 1).await;
    world.the_vod(VodStatus::Ready).await;
    world
        .eventually("the file to go", async || world.on_disk().is_empty())
        .await;
    world.record(FILE, three_seconds());
    world
        .eventually("the file to go again", async || world.on_disk().is_empty())
        .await;
    assert_eq!(world.the_recording().await.0, "published");
}

#[tokio::test]
async fn unfinished_results_of_dead_attempts_go() {
    let world = World::running().await;
    let left = world.disk.path().join(".work/12345-1");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join(".video.mp4.part"), b"half").unwrap();
    world
        .eventually("the directory to go", async || !left.exists())
        .await;
}
