//! Publishes the VOD of a job.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{UserId, VodId};
use proto::events::v1::VodPublished;
use proto::events::v1::event::Payload;
use storage::Database;

use super::source::delete_upload;
use super::{ClaimedJob, locked, save};
use crate::domain::{Fenced, VodStatus};
use crate::error::Result;
use crate::schema::{recordings as r, vods as v};
use crate::store::copies::owner_names;
use objects::PendingDeletion;
use objects::ledger::{commit, schedule_deletion};

/// The verified objects of a VOD, with presigned URLs.
#[derive(Debug, Clone)]
pub struct Published {
    pub duration_seconds: f64,
    pub video: (bucket::Stored, bucket::Presigned),
    /// Absent for a recording with only audio.
    pub thumbnail: Option<(bucket::Stored, bucket::Presigned)>,
}

/// Makes the VOD ready and emits `vod.published`, in one transaction.
///
/// # Errors
/// [`Error::Fenced`](crate::error::Error::Fenced) when another has taken over or the VOD was deleted.
pub async fn recording_publish(
    database: &Database,
    job: &ClaimedJob,
    what: Published,
    now: DateTime<Utc>,
) -> Result<()> {
    let (id, attempt, vod) = (job.id, job.attempt, job.vod);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id).await?.job()?.publish(attempt)?;
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
            commit(conn, &[&video.key]).await?;
            delete_upload(conn, id, now).await?;
            if let Some(picture) = &what.thumbnail {
                picture_publish(conn, vod, picture, now).await?;
            }
            vod_publish(conn, vod, &what, now).await
        })
        .await
}

/// Sets the thumbnail of the VOD, unless its owner has uploaded one meanwhile.
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
        return Ok(commit(conn, &[&picture.key]).await?);
    }
    let unused = PendingDeletion {
        key: picture.key.clone(),
        version_id: picture.version_id.clone(),
    };
    Ok(schedule_deletion(conn, &[unused], now).await?)
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
            v::status.eq(VodStatus::Ready.as_str()),
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
