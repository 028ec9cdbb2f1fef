//! Rejected and interrupted uploads.

use proto::upload::{UploadMessage, messages};
use proto::vod::v1::{UploadVodRequest, UploadVodUpload, VodStatus};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use vod::inbound::worker::attempt;
use vod::store::recordings::recording_claim;

use crate::uploads::{about, answering, mp4, running, upload};
use crate::world::{NODE, World};

#[tokio::test]
async fn rejected_upload_leaves_nothing() {
    let world = running().await;
    let refused = async |file: &[u8], request: UploadVodRequest| {
        let sent = world.owner().upload_vod(messages(file, request)).await;
        proto::error_from_status(&sent.unwrap_err())
    };
    let big = [mp4().as_slice(), &vec![0; 12 * 1024 * 1024]].concat();
    assert_eq!(
        refused(b"just text", about("A title")).await.code,
        "upload.unsupported_media"
    );
    assert_eq!(
        refused(&vec![b'x'; 9_000_000], about("A title")).await.code,
        "upload.unsupported_media"
    );
    let field = async |file: &[u8], request| refused(file, request).await.fields.remove(0).path;
    assert_eq!(field(b"", about("A title")).await, "videoFile");
    assert_eq!(field(&big, about("x")).await, "title");
    let unknown = UploadVodRequest {
        category_id: Some(99),
        ..about("A title")
    };
    let unknown = refused(&mp4(), unknown).await.code;
    assert_eq!(unknown, "category.not_found");
    let huge = vec![0; 25 * 1024 * 1024];
    let huge = [mp4().as_slice(), &huge].concat();
    assert_eq!(refused(&huge, about("A title")).await.code, "upload.too_large");
    let nobody = world
        .client(None)
        .upload_vod(messages(&mp4(), about("A title")))
        .await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);

    assert!(world.vods().await.is_empty());
    world
        .eventually("an empty bucket", async || {
            world.objects_in_bucket().await.is_empty()
        })
        .await;
    assert_eq!(world.abort_unfinished_uploads().await, 0);
}

#[tokio::test]
async fn interrupted_upload_leaves_nothing() {
    let world = running().await;
    let big = [mp4().as_slice(), &vec![0; 20 * 1024 * 1024]].concat();
    // First the stream ends without a request, then the connection breaks.
    let chunks = big
        .chunks(64 * 1024)
        .map(|chunk| UploadVodUpload::chunk(chunk.to_vec()));
    let cut = world
        .owner()
        .upload_vod(tokio_stream::iter(chunks.collect::<Vec<_>>()))
        .await;
    assert_eq!(
        proto::error_from_status(&cut.unwrap_err()).code,
        "upload.incomplete"
    );

    let (sender, receiver) = mpsc::channel(1);
    let mut client = world.owner();
    let call = tokio::spawn(async move { client.upload_vod(ReceiverStream::new(receiver)).await });
    for chunk in big.chunks(64 * 1024) {
        sender.send(UploadVodUpload::chunk(chunk.to_vec())).await.unwrap();
    }
    call.abort();
    let gone = async || {
        world.sql("SELECT 1 FROM pending_deletions").await.is_empty()
            && world.objects_in_bucket().await.is_empty()
    };
    world.eventually("nothing to be left", gone).await;
    assert!(world.vods().await.is_empty());
    assert_eq!(world.abort_unfinished_uploads().await, 0);
}

#[tokio::test]
async fn user_has_two_upload_slots() {
    let world = running().await;
    let begin = async |taken: usize| {
        let mut client = world.owner();
        let (sender, receiver) = mpsc::channel(1);
        let call = tokio::spawn(async move { client.upload_vod(ReceiverStream::new(receiver)).await });
        let arrived = async || world.serving.uploads.in_use() == taken;
        world.eventually("a place to be taken", arrived).await;
        (sender, call)
    };
    let held = (begin(1).await, begin(2).await);
    let third = async || {
        let sent = world.owner().upload_vod(messages(&[], about("A title"))).await;
        proto::error_from_status(&sent.unwrap_err()).code
    };
    assert_eq!(third().await, "upload.too_many");
    drop(held);
    world
        .eventually("a place", async || third().await == "request.invalid")
        .await;
}

#[tokio::test]
async fn crash_during_processing_leaves_one_vod_and_one_object() {
    let mut world = World::stopped(|_| {}).await;
    // Another worker claims the job and dies after its upload.
    let serving = world.run_without_worker();
    answering(&world).await;
    let id = upload(&world, &mp4(), "A title").await.unwrap().id;
    let (app, rules) = (&world.app, world.worker.policy);
    let dead = recording_claim(&app.database, &app.bucket, NODE, app.clock.now(), rules)
        .await
        .unwrap()
        .unwrap();
    app.bucket
        .put_bytes(b"partial upload", &dead.video_key, "video/mp4")
        .await
        .unwrap();
    let asleep = dead.clone();
    serving.work(&world);
    assert_eq!(world.wait_for_vod(VodStatus::Ready).await.id, id);
    assert_eq!(world.job_state().await, ("published".to_owned(), 2));
    world
        .eventually("two objects", async || world.objects_in_bucket().await.len() == 2)
        .await;
    assert!(!world.objects_in_bucket().await.contains(&dead.video_key));
    attempt(&world.worker, asleep, &world.shutdown).await;
    assert_eq!(world.job_state().await, ("published".to_owned(), 2));
}
