//! Uploads.

use std::process::Command;

use media::video;
use proto::events::v1::CategoryCreated;
use proto::events::v1::event::Payload;
use proto::upload::{UploadMessage, messages};
use proto::vod::v1::{
    DeleteVodRequest, ListVodsRequest, RetryVodRequest, UpdateVodRequest, UpdateVodUpload, UploadVodRequest,
    UploadVodUpload, Vod, VodStatus, upload_vod_upload,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use vod::inbound::worker::attempt;
use vod::store::recordings::recording_claim;

use crate::changes::png;
use crate::recording::three_seconds;
use crate::world::{NODE, World};

pub(crate) fn about(title: &str) -> UploadVodRequest {
    UploadVodRequest {
        title: title.into(),
        description: String::new(),
        category_id: None,
    }
}

pub(crate) async fn upload(world: &World, file: &[u8], title: &str) -> Result<Vod, Status> {
    let sent = world
        .owner()
        .upload_vod(messages::<UploadVodUpload>(file, about(title)))
        .await;
    sent.map(|answer| answer.into_inner().vod.unwrap())
}

fn encoded(name: &str, codecs: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=321x181:rate=15:duration=2"];
    let sound = [
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000:duration=2",
    ];
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error"])
        .args(picture)
        .args(sound);
    assert!(command.args(codecs).arg(&file).status().unwrap().success());
    std::fs::read(file).unwrap()
}

fn webm() -> Vec<u8> {
    encoded(
        "in.webm",
        &[
            "-c:v",
            "libvpx-vp9",
            "-deadline",
            "realtime",
            "-cpu-used",
            "8",
            "-c:a",
            "libopus",
        ],
    )
}

pub(crate) fn mp4() -> Vec<u8> {
    let even = ["-vf", "scale=320:180", "-c:v", "libx264", "-preset", "ultrafast"];
    encoded(
        "in.mp4",
        &[&even[..], &["-pix_fmt", "yuv420p", "-c:a", "aac"]].concat(),
    )
}

async fn answering(world: &World) {
    let listing = async || {
        world
            .client(None)
            .list_vods(ListVodsRequest::default())
            .await
            .is_ok()
    };
    world.eventually("the service", listing).await;
}

pub(crate) async fn running() -> World {
    let world = World::running().await;
    answering(&world).await;
    world
}

#[tokio::test]
async fn upload_becomes_a_playable_vod() {
    for (file, name) in [
        (mp4(), "An MP4"),
        (webm(), "A WebM"),
        (three_seconds().to_vec(), "An FLV"),
    ] {
        let world = running().await;
        let sent = upload(&world, &file, name).await.unwrap();
        assert_eq!(
            (sent.status(), sent.title.as_str()),
            (VodStatus::Processing, name)
        );
        let vod = world.wait_for_vod(VodStatus::Ready).await;
        assert_eq!((vod.id, vod.stream_id), (sent.id, None));
        let bytes = reqwest::get(vod.video_url.unwrap())
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        let stored = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(stored.path(), &bytes).unwrap();
        let probe = video::probe(stored.path()).await.unwrap();
        assert_eq!(probe.video.unwrap().name, "h264");
        assert_eq!(probe.audio_codec.as_deref(), Some("aac"));
        assert!(vod.thumbnail_url.is_some());
        world
            .eventually("the incoming object to be deleted", async || {
                world.objects_in_bucket().await.len() == 2
            })
            .await;
        assert!(
            world
                .objects_in_bucket()
                .await
                .iter()
                .all(|key| !key.contains("incoming/"))
        );
    }
}

#[tokio::test]
async fn invalid_upload_fails_with_a_reason() {
    let mut half = mp4();
    half.truncate(half.len() / 2);
    let text = [b"\0\0\0\x20ftypisom".as_slice(), &b"not a video ".repeat(1000)].concat();
    let sound = encoded("in.mp4", &["-map", "1:a", "-c:a", "aac"]);
    let unreadable = "The file is damaged and cannot be read as a video.";
    for (file, reason) in [
        (half, unreadable),
        (text, unreadable),
        (sound, "The file contains no video."),
    ] {
        let world = running().await;
        let id = upload(&world, &file, "A try").await.unwrap().id;
        let vod = world.wait_for_vod(VodStatus::Failed).await;
        assert_eq!(vod.failure_reason.as_deref(), Some(reason));
        assert_eq!(world.job_state().await, ("failed".to_owned(), 1));
        world
            .eventually("an empty bucket", async || {
                world.objects_in_bucket().await.is_empty()
            })
            .await;
        let again = world.owner().retry_vod(RetryVodRequest { id }).await.unwrap_err();
        assert_eq!(again.code(), Code::AlreadyExists, "{again:?}");
    }
}

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

#[tokio::test]
async fn deleting_a_vod_deletes_its_upload() {
    let world = running().await;
    world
        .sql("UPDATE recordings SET due_at = now() + interval '1 hour'")
        .await;
    let id = upload(&world, &webm(), "A title").await.unwrap().id;
    world.owner().delete_vod(DeleteVodRequest { id }).await.unwrap();
    world
        .eventually("an empty bucket", async || {
            world.objects_in_bucket().await.is_empty()
        })
        .await;
}

#[tokio::test]
async fn thumbnail_uploaded_during_processing_is_kept() {
    let mut world = World::stopped(|_| {}).await;
    let serving = world.run_without_worker();
    answering(&world).await;
    let category = CategoryCreated {
        category_id: 2,
        name: "Talk".into(),
        slug: "talk".into(),
        tags: vec![],
    };
    world.deliver(Payload::CategoryCreated(category), 1).await;
    let id = upload(&world, &mp4(), "A title").await.unwrap().id;
    let request = UpdateVodRequest {
        id,
        category_id: Some(2),
        ..UpdateVodRequest::default()
    };
    let picture = png();
    let changed: tonic::Response<_> = world
        .owner()
        .update_vod(messages::<UpdateVodUpload>(&picture, request))
        .await
        .unwrap();
    let changed = changed.into_inner().vod.unwrap();
    let own = changed.thumbnail_url.unwrap();
    assert_eq!(changed.category.unwrap().slug, "talk");
    serving.work(&world);
    let vod = world.wait_for_vod(VodStatus::Ready).await;
    assert_eq!(vod.thumbnail_url, Some(own));
    world
        .eventually("two objects", async || world.objects_in_bucket().await.len() == 2)
        .await;
}

#[tokio::test]
async fn thumbnail_sent_with_the_video_is_used() {
    let world = running().await;
    let file = mp4();
    let picture = |bytes: &[u8]| UploadVodUpload {
        part: Some(upload_vod_upload::Part::Picture(bytes.to_vec())),
    };
    // A form's files may come in any order; here the picture is cut by the video.
    let whole = png();
    let (first, second) = whole.split_at(whole.len() / 2);
    let mut sent: Vec<UploadVodUpload> = vec![picture(first)];
    sent.extend(
        file.chunks(64 * 1024)
            .map(|chunk| UploadVodUpload::chunk(chunk.to_vec())),
    );
    sent.extend([picture(second), UploadVodUpload::request(about("A title"))]);
    let answer = world.owner().upload_vod(tokio_stream::iter(sent)).await.unwrap();
    let own = answer.into_inner().vod.unwrap().thumbnail_url.unwrap();
    let vod = world.wait_for_vod(VodStatus::Ready).await;
    assert_eq!(vod.thumbnail_url, Some(own.clone()));
    let shown = reqwest::get(own).await.unwrap().bytes().await.unwrap();
    assert_eq!(image::load_from_memory(&shown).unwrap().width(), 1280);

    let text = [
        UploadVodUpload::chunk(file.clone()),
        picture(b"no picture"),
        UploadVodUpload::request(about("Another")),
    ];
    let refused = world
        .owner()
        .upload_vod(tokio_stream::iter(text))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let large = [picture(&vec![0; 3 << 20]), picture(&vec![0; 3 << 20])];
    let refused = world
        .owner()
        .upload_vod(tokio_stream::iter(large))
        .await
        .unwrap_err();
    assert_eq!(proto::error_from_status(&refused).code, "upload.too_large");
    world
        .eventually("one video and one picture", async || {
            world.objects_in_bucket().await.len() == 2
        })
        .await;
    assert_eq!(world.vods().await.len(), 1);
}
