//! Uploads that clients send again.

use proto::error_from_status;
use proto::upload::messages;
use proto::vod::v1::{UploadVodUpload, VodStatus};

use crate::uploads::{about, mp4, running};
use crate::world::World;

async fn named(world: &World, name: &str, file: &[u8], title: &str) -> Result<i64, String> {
    let sent = messages::<UploadVodUpload>(file, about(title));
    match world.owner_naming(name).upload_vod(sent).await {
        Ok(answer) => Ok(answer.into_inner().vod.unwrap().id),
        Err(status) => Err(error_from_status(&status).code.into_owned()),
    }
}

#[tokio::test]
async fn what_is_sent_twice_under_one_name_becomes_one_vod() {
    let world = running().await;
    let file = mp4();
    // Twice at once, as a proxy that lost patience would, and once more later.
    let (first, second) = tokio::join!(
        named(&world, "n1", &file, "A title"),
        named(&world, "n1", &file, "A title")
    );
    let id = first.unwrap();
    assert_eq!(second, Ok(id));
    assert_eq!(named(&world, "n1", &file, "A title").await, Ok(id));
    assert_eq!(world.the_vod(VodStatus::Ready).await.id, id);
    world
        .eventually("the others' bytes to go", async || {
            world.in_bucket().await.len() == 2
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
