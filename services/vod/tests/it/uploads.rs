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
use tonic::{Code, Status};

use crate::changes::png;
use crate::recording::three_seconds;
use crate::world::World;

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

pub(crate) async fn answering(world: &World) {
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
