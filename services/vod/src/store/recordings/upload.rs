//! Creates jobs for uploads and imports.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use objects::StoredImage;
use objects::ledger::commit;
use primitives::{CategoryId, IdempotentRequest, UserId, VodId};
use storage::Database;
use storage::idempotency::{claim_key, record_result};

use super::NOTIFY_CHANNEL;
use crate::domain::SourceKind;
use crate::error::{Error, Result};
use crate::schema::{owners as o, recordings as r, vods as v};
use crate::store::copies::owner_is_deleted;
use crate::store::search;
use crate::store::vods::{category_known, picture_write};

/// A video in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVideo {
    /// RecordingOwner it is.
    pub user: UserId,
    /// Whether to reject an unknown user. Set if an admin named the user; an uploader is authenticated by a
    /// token, maybe before the `user.registered` event has arrived.
    pub user_must_be_known: bool,
    pub title: String,
    pub description: String,
    pub category: Option<CategoryId>,
    /// An uploaded thumbnail. Otherwise a frame of the video is used.
    pub picture: Option<StoredImage>,
    /// The full key.
    pub key: String,
    /// The version (if the bucket has versions) and the hash of an upload. Absent for an import.
    pub uploaded: Option<(Option<String>, String)>,
    pub idempotency: Option<IdempotentRequest>,
}

/// Creates a VOD, which is `processing`, and a job that any worker may claim. Returns the existing VOD if the
/// request is repeated; the upload of a repeated request stays in the ledger and is deleted.
///
/// # Errors
/// [`Error::NoCategory`], [`Error::NoUser`], [`Error::AlreadyImported`]; `request.idempotency_key_reused` if
/// the idempotency key belongs to another request.
pub async fn video_insert(database: &Database, new: NewVideo, now: DateTime<Utc>) -> Result<VodId> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            check_owner(conn, &new).await?;
            let request = new.idempotency.as_ref();
            if let Some(vod) = claim_key::<Error>(conn, request, now).await? {
                return Ok(VodId(vod));
            }
            if let Some(category) = new.category {
                category_known(conn, category).await?;
            }
            let vod = vod_insert(conn, &new, now).await?;
            job_insert(conn, &new, vod, now).await?;
            search::write(conn, &[vod]).await?;
            if new.uploaded.is_some() {
                commit(conn, &[&new.key]).await?;
            }
            record_result(conn, request, vod).await?;
            storage::notify(conn, NOTIFY_CHANNEL).await?;
            Ok(VodId(vod))
        })
        .await
}

async fn check_owner(conn: &mut AsyncPgConnection, new: &NewVideo) -> Result<()> {
    if owner_is_deleted(conn, new.user).await? {
        return Err(Error::NoUser);
    }
    let known = o::table.find(new.user.0).select(o::id).first::<i64>(conn).await;
    match known.optional()? {
        None if new.user_must_be_known => Err(Error::NoUser),
        _ => Ok(()),
    }
}

async fn vod_insert(conn: &mut AsyncPgConnection, new: &NewVideo, now: DateTime<Utc>) -> Result<i64> {
    let row = (
        v::user_id.eq(new.user.0),
        v::title.eq(&new.title),
        v::description.eq(&new.description),
        v::category_id.eq(new.category.map(|category| category.0)),
        v::created_at.eq(now),
        v::updated_at.eq(now),
    );
    let insert = diesel::insert_into(v::table).values(row).returning(v::id);
    let id = insert.get_result(conn).await?;
    if new.picture.is_some() {
        picture_write(conn, id, new.picture.as_ref(), None, now).await?;
    }
    Ok(id)
}

async fn job_insert(
    conn: &mut AsyncPgConnection,
    new: &NewVideo,
    vod: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let trace = serde_json::to_value(proto::trace::current_context()).unwrap_or_default();
    let (version_id, sha256) = new
        .uploaded
        .clone()
        .map_or((None, None), |(version_id, sha256)| (version_id, Some(sha256)));
    let kind = if new.uploaded.is_some() {
        SourceKind::Upload
    } else {
        SourceKind::Import
    };
    let row = (
        r::file_name.eq(&new.key),
        r::source.eq(kind.as_str()),
        r::source_version_id.eq(version_id),
        r::source_sha256.eq(sha256),
        r::vod_id.eq(vod),
        r::due_at.eq(now),
        r::trace_context.eq(trace),
    );
    let insert = diesel::insert_into(r::table)
        .values(row)
        .on_conflict_do_nothing()
        .returning(r::id);
    let id: Option<i64> = insert.get_result(conn).await.optional()?;
    let id = id.ok_or(Error::AlreadyImported)?;
    tracing::info!(recording_id = id, vod_id = vod, key = new.key, "video queued");
    Ok(())
}
