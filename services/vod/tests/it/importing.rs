//! Imports.

use primitives::Role;
use proto::error_from_status;
use proto::vod::v1::{DeleteVodRequest, ImportVodRequest, Vod, VodStatus};
use tonic::Status;

use crate::uploads::{mp4, running};
use crate::world::{OWNER, World};

fn object(key: &str) -> ImportVodRequest {
    ImportVodRequest {
        object_key: key.into(),
        title: "A talk".into(),
        ..ImportVodRequest::default()
    }
}

async fn import(world: &World, request: ImportVodRequest) -> Result<Vod, Status> {
    let mut admin = world.client(Some((OWNER, Role::Admin)));
    let answer = admin.import_vod(request).await?;
    Ok(answer.into_inner().vod.unwrap())
}

#[tokio::test]
async fn imported_object_is_kept() {
    let world = running().await;
    let key = world.app.bucket.key("imports/2026/talk.mp4");
    world
        .app
        .bucket
        .put_bytes(&mp4(), &key, "video/mp4")
        .await
        .unwrap();
    let vod = import(&world, object("imports/2026/talk.mp4")).await.unwrap();
    assert_eq!(vod.status(), VodStatus::Processing);
    assert_eq!(world.wait_for_vod(VodStatus::Ready).await.id, vod.id);
    assert_eq!(world.objects_in_bucket().await.len(), 3);

    let twice = import(&world, object("imports/2026/talk.mp4")).await.unwrap_err();
    assert_eq!(error_from_status(&twice).code, "vod.already_imported");
    world
        .owner()
        .delete_vod(DeleteVodRequest { id: vod.id })
        .await
        .unwrap();
    world
        .eventually("the VOD's own objects to be deleted", async || {
            world.objects_in_bucket().await == [key.as_str()]
        })
        .await;
    import(&world, object("imports/2026/talk.mp4")).await.unwrap();
}

#[tokio::test]
async fn only_admins_import_existing_objects() {
    let world = running().await;
    let code = async |request| error_from_status(&import(&world, request).await.unwrap_err()).code;
    assert_eq!(code(object("imports/none.mp4")).await, "vod.object_not_found");
    assert_eq!(code(object("recordings/1.mp4")).await, "request.invalid");
    let nobody = ImportVodRequest {
        user_id: Some(77),
        ..object("imports/none.mp4")
    };
    let key = world.app.bucket.key("imports/none.mp4");
    world
        .app
        .bucket
        .put_bytes(&mp4(), &key, "video/mp4")
        .await
        .unwrap();
    assert_eq!(code(nobody).await, "user.not_found");
    let refused = world
        .owner()
        .import_vod(object("imports/none.mp4"))
        .await
        .unwrap_err();
    assert_eq!(error_from_status(&refused).code, "auth.admin_only");
    assert!(world.vods().await.is_empty());
}
