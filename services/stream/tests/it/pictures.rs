//! Thumbnails of streams and categories, which the bucket keeps only while a row refers to them.

use proto::stream::v1::{
    CreateCategoryRequest, CreateStreamRequest, CreateStreamUpload, DeleteCategoryRequest,
    DeleteStreamRequest, Stream, Tags, UpdateCategoryRequest, UpdateStreamRequest,
};
use proto::upload::{UploadMessage, messages};
use stack::eventually;
use tonic::Code;

use crate::world::{ANNA, BOB, TIMEOUT, World};

/// Returns an image of one colour, wider than thumbnails may be.
fn png(color: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_pixel(1600, 400, image::Rgb([color, 0, 0]));
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

impl World {
    async fn in_bucket(&self) -> usize {
        let bucket = &self.replica.app.bucket;
        bucket.list(&bucket.key("")).await.unwrap().len()
    }

    async fn until_in_bucket(&self, wanted: usize) {
        eventually(TIMEOUT, &format!("{wanted} objects"), async || {
            self.in_bucket().await == wanted
        })
        .await
        .unwrap();
    }

    async fn change(&self, file: &[u8], request: UpdateStreamRequest) -> Stream {
        let changed = self.call(ANNA).update_stream(messages(file, request)).await;
        changed.unwrap().into_inner().stream.unwrap()
    }
}

fn new(title: &str) -> CreateStreamRequest {
    CreateStreamRequest {
        title: title.into(),
        ..CreateStreamRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thumbnail_is_stored_replaced_and_removed() {
    let world = World::new().await;
    let created = world
        .call(ANNA)
        .create_stream(messages(&png(1), new("A title")))
        .await;
    let stream = created.unwrap().into_inner().stream.unwrap();
    let url = stream.thumbnail_url.unwrap();
    let shown = reqwest::get(&url).await.unwrap();
    assert_eq!(shown.headers()["content-type"], "image/jpeg");
    let picture = image::load_from_memory(&shown.bytes().await.unwrap()).unwrap();
    assert_eq!((picture.width(), picture.height()), (1280, 320));
    assert_eq!(world.in_bucket().await, 1);

    let request = |remove_thumbnail| UpdateStreamRequest {
        id: stream.id,
        remove_thumbnail,
        ..UpdateStreamRequest::default()
    };
    let changed = world.change(&png(2), request(false)).await;
    assert_ne!(changed.thumbnail_url.as_ref(), Some(&url));
    world.until_in_bucket(1).await;
    let same = world.change(&[], request(false)).await;
    assert_eq!(same.thumbnail_url, changed.thumbnail_url);
    assert_eq!(world.change(&[], request(true)).await.thumbnail_url, None);
    world.until_in_bucket(0).await;

    world.change(&png(3), request(true)).await;
    let deletion = DeleteStreamRequest { id: stream.id };
    world.call(ANNA).delete_stream(deletion).await.unwrap();
    world.until_in_bucket(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_thumbnails_change_nothing() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    let mut damaged = png(1);
    damaged.truncate(damaged.len() / 2);
    for (file, code) in [
        (b"just a text".to_vec(), Code::FailedPrecondition),
        (damaged, Code::InvalidArgument),
        (vec![0; (5 << 20) + 1], Code::OutOfRange),
    ] {
        let rejected = world
            .call(ANNA)
            .create_stream(messages(&file, new("Another")))
            .await;
        assert_eq!(rejected.unwrap_err().code(), code);
        let request = UpdateStreamRequest {
            id,
            title: Some("Changed".into()),
            ..UpdateStreamRequest::default()
        };
        let rejected = world.call(ANNA).update_stream(messages(&file, request)).await;
        assert_eq!(rejected.unwrap_err().code(), code);
    }
    let cut = [CreateStreamUpload::chunk(png(1))];
    let rejected = world.call(ANNA).create_stream(tokio_stream::iter(cut)).await;
    assert_eq!(rejected.unwrap_err().code(), Code::InvalidArgument);
    let foreign = UpdateStreamRequest {
        id,
        ..UpdateStreamRequest::default()
    };
    let rejected = world.call(BOB).update_stream(messages(&png(1), foreign)).await;
    assert_eq!(rejected.unwrap_err().code(), Code::PermissionDenied);

    assert_eq!(world.stream(id).await.title, "A title");
    assert_eq!(world.in_bucket().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_create_update_and_delete_categories() {
    let world = World::new().await;
    let request = CreateCategoryRequest {
        name: "Đồ họa".into(),
        description: "Pictures".into(),
        tags: vec!["Pixel".into(), "pixel".into(), "3d".into()],
    };
    let rejected = world
        .call(ANNA)
        .create_category(messages(&[], request.clone()))
        .await;
    assert_eq!(rejected.unwrap_err().code(), Code::PermissionDenied);
    let created = world
        .admin()
        .create_category(messages(&png(1), request.clone()))
        .await;
    let category = created.unwrap().into_inner().category.unwrap();
    assert_eq!(category.slug, "do-hoa");
    assert_eq!(category.tags, ["3d", "pixel"]);
    assert!(category.thumbnail_url.is_some());
    let twice = world.admin().create_category(messages(&png(2), request)).await;
    assert_eq!(twice.unwrap_err().code(), Code::AlreadyExists);

    let request = UpdateCategoryRequest {
        category: "do-hoa".into(),
        name: Some("Graphics".into()),
        tags: Some(Tags { tags: Vec::new() }),
        ..UpdateCategoryRequest::default()
    };
    let changed = world.admin().update_category(messages(&[], request)).await;
    let changed = changed.unwrap().into_inner().category.unwrap();
    assert_eq!((changed.slug.as_str(), changed.tags.len()), ("graphics", 0));
    assert_eq!(changed.description, "Pictures");

    let deletion = |category: &str| DeleteCategoryRequest {
        category: category.into(),
    };
    let rejected = world.call(ANNA).delete_category(deletion("graphics")).await;
    assert_eq!(rejected.unwrap_err().code(), Code::PermissionDenied);
    world.admin().delete_category(deletion("graphics")).await.unwrap();
    let repeated = world.admin().delete_category(deletion("graphics")).await;
    assert_eq!(repeated.unwrap_err().code(), Code::NotFound);
    // The thumbnail of the rejected category stays pending for a day; that of the deleted one is removed at
    // once.
    world.until_in_bucket(1).await;
}
