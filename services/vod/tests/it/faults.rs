//! What goes wrong on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proto::events::v1::event::Payload;
use proto::vod::v1::{DeleteVodRequest, VodStatus};
use tokio::net::{TcpListener, TcpStream};
use vod::inbound::worker::attempt;
use vod::store::recordings::{ClaimedJob, recording_claim};

use crate::recording::{three_seconds, too_short};
use crate::world::{NODE, World, finished};

const FILE: &str = "abcdefghijklmnopqrst-1795376364.flv";

async fn claim(world: &World) -> ClaimedJob {
    let (app, rules) = (&world.app, world.worker.policy);
    let job = recording_claim(&app.database, &app.bucket, NODE, app.clock.now(), rules)
        .await
        .unwrap();
    job.unwrap()
}

#[tokio::test]
async fn crash_between_upload_and_publish_leaves_one_vod_and_one_object() {
    let mut world = World::stopped(|_| {}).await;
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    // A worker that dies after its upload.
    let dead = claim(&world).await;
    for key in [&dead.video_key, &dead.thumbnail_key] {
        world
            .app
            .bucket
            .put_bytes(b"partial upload", key, "video/mp4")
            .await
            .unwrap();
    }
    world.run();

    world.wait_for_vod(VodStatus::Ready).await;
    assert_eq!(world.job_state().await, ("published".to_owned(), 2));
    let objects = world.objects_in_bucket().await;
    assert_eq!(objects.len(), 2, "{objects:?}");
    assert!(!objects.contains(&dead.video_key));
    let announced = world.sql("SELECT key FROM pending_deletions ORDER BY key").await;
    let announced: Vec<String> = announced.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        announced,
        [dead.thumbnail_key.clone(), dead.video_key.clone()],
        "in case the dead worker uploads later"
    );
}

#[tokio::test]
async fn suspended_worker_is_fenced() {
    let mut world = World::stopped(|_| {}).await;
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let asleep = claim(&world).await;
    world.run();
    world.wait_for_vod(VodStatus::Ready).await;
    let before = world.sql("SELECT video_url, updated_at::text FROM vods").await;
    world.record(FILE, three_seconds());
    attempt(&world.worker, asleep, &world.shutdown).await;
    let after = world.sql("SELECT video_url, updated_at::text FROM vods").await;
    let text = |rows: &[tokio_postgres::Row]| {
        rows.iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect::<Vec<(String, String)>>()
    };
    assert_eq!(text(&before), text(&after));
    assert_eq!(world.job_state().await, ("published".to_owned(), 2));
    // Its late upload is deleted when it is due.
    world.sql("UPDATE pending_deletions SET due_at = now()").await;
    world
        .eventually("two objects", async || world.objects_in_bucket().await.len() == 2)
        .await;
}

#[tokio::test]
async fn unavailable_bucket_is_retried() {
    let switch = Switch::default();
    let behind = switch.clone();
    let real = stack::shared().await.unwrap().bucket.endpoint.clone();
    let endpoint = behind.listen(real.trim_start_matches("http://").to_owned()).await;
    let change = |config: &mut vod::Config| {
        config.common.bucket.endpoint = endpoint.parse().unwrap();
        config.work.as_mut().unwrap().1.max_attempts = 50;
    };
    let mut world = World::stopped(change).await;
    world.run();
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    world
        .eventually("a second try", async || world.job_state().await.1 >= 2)
        .await;
    assert_eq!(
        world.wait_for_vod(VodStatus::Processing).await.failure_reason,
        None
    );
    switch.on();
    world.wait_for_vod(VodStatus::Ready).await;
    assert_eq!(world.objects_in_bucket().await.len(), 2);
}

#[tokio::test]
async fn vod_fails_with_a_reason_if_the_bucket_stays_unavailable() {
    let endpoint = Switch::default().listen(String::new()).await;
    let change = |config: &mut vod::Config| {
        config.common.bucket.endpoint = endpoint.parse().unwrap();
        config.work.as_mut().unwrap().1.max_attempts = 2;
    };
    let mut world = World::stopped(change).await;
    world.run();
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let vod = world.wait_for_vod(VodStatus::Failed).await;
    assert_eq!(
        vod.failure_reason.as_deref(),
        Some("The video could not be stored.")
    );
    assert_eq!(world.files_on_disk(), [FILE], "it is kept for a retry");
}

#[tokio::test]
async fn invalid_recording_fails_at_once_with_a_reason() {
    let world = World::running().await;
    world.record(FILE, &b"not a video ".repeat(1000));
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let vod = world.wait_for_vod(VodStatus::Failed).await;
    assert_eq!(
        vod.failure_reason.as_deref(),
        Some("The recording is damaged and cannot be read.")
    );
    assert_eq!(world.job_state().await, ("failed".to_owned(), 1));
    assert!(world.objects_in_bucket().await.is_empty());
}

#[tokio::test]
async fn missing_recording_fails_after_all_attempts() {
    let world = World::running().await;
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let vod = world.wait_for_vod(VodStatus::Failed).await;
    assert_eq!(
        vod.failure_reason.as_deref(),
        Some("The recording is no longer on the media server.")
    );
    assert_eq!(world.job_state().await, ("failed".to_owned(), 5));
}

#[tokio::test]
async fn empty_and_short_recordings_are_discarded() {
    for bytes in [too_short(), b"", &three_seconds()[..500]] {
        let world = World::running().await;
        world.record(FILE, bytes);
        world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
        let discarded = async || world.job_state().await.0 == "discarded";
        world.eventually("the recording to be discarded", discarded).await;
        world
            .eventually("the file to be deleted", async || {
                world.files_on_disk().is_empty()
            })
            .await;
        assert!(world.vods().await.is_empty(), "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn vod_deleted_during_processing_stays_deleted() {
    // The lease is long, so that the service's own worker does not take over.
    let mut world = World::stopped(|config| config.work.as_mut().unwrap().1.lease_seconds = 60).await;
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let job = claim(&world).await;
    let id = job.vod.0;
    world.run();
    world
        .eventually("the service", async || {
            world.owner().delete_vod(DeleteVodRequest { id }).await.is_ok()
        })
        .await;
    attempt(&world.worker, job, &world.shutdown).await;
    assert_eq!(world.job_state().await.0, "discarded");
    assert!(world.vods().await.is_empty());
    world
        .eventually("the file to be deleted", async || {
            world.files_on_disk().is_empty()
        })
        .await;
}

/// A proxy to the bucket that can be switched on.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn on(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    async fn listen(&self, to: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let on = self.0.clone();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (on, to) = (on.load(Ordering::SeqCst), to.clone());
                tokio::spawn(async move {
                    if on {
                        let mut to = TcpStream::connect(to).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        format!("http://{address}")
    }
}
