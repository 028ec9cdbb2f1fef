//! Repeated uploads.

use proto::error_from_status;
use proto::upload::messages;
use proto::vod::v1::{UploadVodUpload, VodStatus};

use crate::uploads::{about, mp4, running};
use crate::world::World;

async fn named(world: &World, name: &str, file: &[u8], title: &str) -> Result<i64, String> {
    let sent = messages::<UploadVodUpload>(file, about(title));
    match world.owner_with_idempotency_key(name).upload_vod(sent).await {
        Ok(answer) => Ok(answer.into_inner().vod.unwrap().id),
        Err(status) => Err(error_from_status(&status).code.into_owned()),
    }
}

#[tokio::test]
async fn idempotency_key_makes_retries_safe() {
    let world = running().await;
    let file = mp4();
    // Twice concurrently, as after the timeout of a proxy, and again later.
    let (first, second) = tokio::join!(
        named(&world, "n1", &file, "A title"),
        named(&world, "n1", &file, "A title")
    );
    let id = first.unwrap();
    assert_eq!(second, Ok(id));
    assert_eq!(named(&world, "n1", &file, "A title").await, Ok(id));
    assert_eq!(world.wait_for_vod(VodStatus::Ready).await.id, id);
    world
        .eventually("the others' bytes to be deleted", async || {
            world.objects_in_bucket().await.len() == 2
        })
        .await;

    let reused = Err("request.idempotency_key_reused".to_owned());
    assert_eq!(named(&world, "n1", &file, "Another title").await, reused);
    let other = [file.as_slice(), b"more"].concat();
    assert_eq!(named(&world, "n1", &other, "A title").await, reused);
    assert_eq!(world.vods().await.len(), 1);
    assert_ne!(named(&world, "n2", &file, "A title").await, Ok(id));
    assert_eq!(world.vods().await.len(), 2);
}
