//! How a job ends well: its VOD is ready, and everybody hears of it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{UserId, VodId};
use proto::events::v1::VodPublished;
use proto::events::v1::event::Payload;
use storage::Database;

use super::source::drop_upload;
use super::{Job, locked, save};
use crate::domain::{Fenced, Status};
use crate::error::Result;
use crate::schema::{recordings as r, vods as v};
use crate::store::copies::owner_names;
use objects::Doomed;
use objects::ledger::{doom, keep};

/// A VOD's video and picture in the bucket, verified, with URLs for them.
#[derive(Debug, Clone)]
pub struct Published {
    /// From the MP4.
    pub duration_seconds: f64,
    /// The video.
    pub video: (bucket::Stored, bucket::Presigned),
    /// The picture; a recording with sound alone has none.
    pub thumbnail: Option<(bucket::Stored, bucket::Presigned)>,
}

/// Makes the VOD ready and says so, in one transaction.
///
/// # Errors
/// [`Error::Fenced`](crate::error::Error::Fenced) when another has taken over or the VOD was deleted; the
/// store's.
pub async fn recording_publish(
    database: &Database,
    job: &Job,
    what: Published,
    now: DateTime<Utc>,
) -> Result<()> {
    let (id, attempt, vod) = (job.id, job.attempt, job.vod);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id).await?.recording()?.publish(attempt)?;
            let video = &what.video.0;
            let object = (
                r::object_key.eq(&video.key),
                r::object_version_id.eq(&video.version_id),
            );
            diesel::update(r::table.find(id))
                .set(object)
                .execute(conn)
                .await?;
            save(conn, id, recording, now).await?;
            keep(conn, &[&video.key]).await?;
            drop_upload(conn, id, now).await?;
            if let Some(picture) = &what.thumbnail {
                picture_publish(conn, vod, picture, now).await?;
            }
            vod_publish(conn, vod, &what, now).await
        })
        .await
}

/// Gives the VOD the picture that was taken out of it, unless its owner has sent one meanwhile.
async fn picture_publish(
    conn: &mut AsyncPgConnection,
    vod: VodId,
    (picture, url): &(bucket::Stored, bucket::Presigned),
    now: DateTime<Utc>,
) -> Result<()> {
    let bare = v::table
        .filter(v::id.eq(vod.0))
        .filter(v::b2_thumbnail_file_name.is_null());
    let columns = (
        v::thumbnail_url.eq(&url.url),
        v::thumbnail_url_expires_at.eq(url.expires_at),
        v::b2_thumbnail_file_id.eq(&picture.version_id),
        v::b2_thumbnail_file_name.eq(&picture.key),
    );
    if diesel::update(bare).set(columns).execute(conn).await? > 0 {
        return Ok(keep(conn, &[&picture.key]).await?);
    }
    let unused = Doomed {
        key: picture.key.clone(),
        version_id: picture.version_id.clone(),
    };
    Ok(doom(conn, &[unused], now).await?)
}

async fn vod_publish(
    conn: &mut AsyncPgConnection,
    vod: VodId,
    what: &Published,
    now: DateTime<Utc>,
) -> Result<()> {
    let (video, url) = &what.video;
    let ready = (
        (
            v::status.eq(Status::Ready.as_str()),
            v::duration_seconds.eq(what.duration_seconds),
        ),
        (v::video_url.eq(&url.url), v::url_expires_at.eq(url.expires_at)),
        (
            v::b2_file_id.eq(&video.version_id),
            v::b2_file_name.eq(&video.key),
        ),
        (
            v::failure_reason.eq(None::<String>),
            v::version.eq(v::version + 1),
            v::updated_at.eq(now),
        ),
    );
    let (user_id, stream_id, title, version): (i64, Option<i64>, String, i64) =
        diesel::update(v::table.find(vod.0))
            .set(ready)
            .returning((v::user_id, v::stream_id, v::title, v::version))
            .get_result(conn)
            .await
            .optional()?
            .ok_or(Fenced)?;
    let (username, display_name) = owner_names(conn, UserId(user_id)).await?;
    let event = VodPublished {
        vod_id: vod.0,
        user_id,
        stream_id,
        title,
        username,
        display_name,
    };
    bus::emit(conn, Payload::VodPublished(event), vod.0, version).await?;
    Ok(())
}
