//! Renews presigned URLs that are about to expire before they are returned to a client.

use bucket::{Bucket, Presigned, needs_renewal};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::time::Duration;
use storage::Database;

use super::{Vod, VodRow};
use crate::domain::VodStatus;
use crate::error::Result;

/// Renews the URLs that expire within an hour, in `vods` and in the table.
///
/// # Errors
/// The store's; the bucket is not asked.
pub async fn vods_renew_urls(
    database: &Database,
    bucket: &Bucket,
    life: Duration,
    vods: &mut [Vod],
    now: DateTime<Utc>,
) -> Result<()> {
    let mut renewed = Renewed::default();
    for vod in vods.iter_mut().filter(|vod| vod.status == VodStatus::Ready) {
        let row = &mut vod.row;
        let video = renew(bucket, life, row.b2_file_name.as_deref(), row.url_expires_at, now).await?;
        let picture = renew(
            bucket,
            life,
            row.b2_thumbnail_file_name.as_deref(),
            row.thumbnail_url_expires_at,
            now,
        )
        .await?;
        if video.is_none() && picture.is_none() {
            continue;
        }
        if let Some(presigned) = video {
            (row.video_url, row.url_expires_at) = (Some(presigned.url), Some(presigned.expires_at));
        }
        if let Some(presigned) = picture {
            (row.thumbnail_url, row.thumbnail_url_expires_at) =
                (Some(presigned.url), Some(presigned.expires_at));
        }
        renewed.push(row);
    }
    renewed.store(database).await
}

async fn renew(
    bucket: &Bucket,
    life: Duration,
    key: Option<&str>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<Presigned>> {
    let Some(key) = key else { return Ok(None) };
    if expires_at.is_some_and(|expires_at| !needs_renewal(expires_at, now)) {
        return Ok(None);
    }
    Ok(Some(bucket.presign_get(key, life).await?))
}

/// The renewed URLs of a page, by column.
#[derive(Default)]
struct Renewed {
    ids: Vec<i64>,
    videos: Vec<Option<String>>,
    video_ends: Vec<Option<DateTime<Utc>>>,
    pictures: Vec<Option<String>>,
    picture_ends: Vec<Option<DateTime<Utc>>>,
}

impl Renewed {
    fn push(&mut self, row: &VodRow) {
        self.ids.push(row.id);
        self.videos.push(row.video_url.clone());
        self.video_ends.push(row.url_expires_at);
        self.pictures.push(row.thumbnail_url.clone());
        self.picture_ends.push(row.thumbnail_url_expires_at);
    }

    async fn store(self, database: &Database) -> Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        // Another replica may have renewed the URLs meanwhile: the later expiry wins.
        let statement = "UPDATE vods SET video_url = new.video, url_expires_at = new.video_end, \
                         thumbnail_url = new.picture, thumbnail_url_expires_at = new.picture_end \
                         FROM unnest($1, $2, $3, $4, $5) AS new(id, video, video_end, picture, picture_end) \
                         WHERE vods.id = new.id AND vods.status = 'ready' AND vods.url_expires_at <= new.video_end";
        database
            .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
                diesel::sql_query(statement)
                    .bind::<Array<BigInt>, _>(self.ids)
                    .bind::<Array<Nullable<Text>>, _>(self.videos)
                    .bind::<Array<Nullable<Timestamptz>>, _>(self.video_ends)
                    .bind::<Array<Nullable<Text>>, _>(self.pictures)
                    .bind::<Array<Nullable<Timestamptz>>, _>(self.picture_ends)
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await
    }
}
