//! Images are validated before they are stored, and their URLs are renewed.

use chrono::{DateTime, TimeDelta, Utc};
use objects::{RenewableUrl, UrlColumns};
use primitives::ErrorKind;

use crate::world::{World, png};

const COLUMNS: UrlColumns = UrlColumns {
    table: "items",
    url: "url",
    expires_at: "ends",
};

#[tokio::test]
async fn only_images_are_stored() {
    let world = World::new().await;
    let add = |bytes: Vec<u8>| world.images.add(bytes, 100, "p", "avatarFile");
    assert_eq!(add(Vec::new()).await, Ok(None));
    let text = add(b"<svg></svg>".to_vec()).await.unwrap_err();
    assert_eq!(
        (text.kind, text.fields[0].path.as_ref()),
        (ErrorKind::UnsupportedMedia, "avatarFile")
    );
    let mut truncated = png();
    truncated.truncate(200);
    assert_eq!(add(truncated).await.unwrap_err().kind, ErrorKind::Invalid);
    assert!(world.objects_in_bucket().await.is_empty());
    let added = add(png()).await.unwrap().unwrap();
    assert_eq!(world.objects_in_bucket().await, [added.key]);
}

#[tokio::test]
async fn url_is_renewed_in_its_last_hour() {
    let world = World::new().await;
    world
        .sql(
            "CREATE TABLE items (id bigint PRIMARY KEY, url text, ends timestamptz); \
             INSERT INTO items VALUES (1, 'old', now()), (2, 'good', now() + interval '9 hours'), \
             (3, NULL, NULL)",
        )
        .await;
    let now = world.clock.now();
    let mut rows: [(i64, Option<String>, Option<DateTime<Utc>>); 3] = [
        (1, Some("old".into()), Some(now + TimeDelta::minutes(59))),
        (2, Some("good".into()), Some(now + TimeDelta::minutes(61))),
        (3, None, None),
    ];
    let urls = rows.iter_mut().map(|(id, url, expires_at)| RenewableUrl {
        id: *id,
        key: (*id < 3).then_some("p/1.jpg"),
        url,
        expires_at,
    });
    world.images.renew(COLUMNS, urls.collect()).await;
    assert!(rows[0].1.as_ref().unwrap().contains("X-Amz-Signature"));
    assert!(rows[0].2.unwrap() > now + TimeDelta::hours(23));
    assert_eq!(rows[1].1.as_deref(), Some("good"));
    assert_eq!(rows[2].1, None);
    world
        .sql(
            "DO $$ BEGIN ASSERT (SELECT count(*) FROM items WHERE url LIKE '%X-Amz-Signature%' \
             AND ends > now()) = 1; \
             ASSERT (SELECT url FROM items WHERE id = 2) = 'good'; END $$",
        )
        .await;
}
