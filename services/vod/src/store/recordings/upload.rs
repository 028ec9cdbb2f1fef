//! How an object of the bucket becomes a job: one that somebody uploaded, or one that an admin imports.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use objects::Picture;
use objects::ledger::keep;
use primitives::{CategoryId, IdempotentRequest, UserId, VodId};
use storage::Database;
use storage::idempotency::{claim_key, record_result};

use super::CHANNEL;
use crate::error::{Error, Result};
use crate::schema::{owners as o, recordings as r, vods as v};
use crate::store::copies::owner_is_deleted;
use crate::store::search;
use crate::store::vods::{category_known, picture_write};

/// A video in the bucket that is to become a VOD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVideo {
    /// Whose it is.
    pub user: UserId,
    /// Whether the user is somebody's word: whoever uploads is known by his token, even before auth's event
    /// about him has come.
    pub user_must_be_known: bool,
    /// Its title, checked.
    pub title: String,
    /// Its description, checked.
    pub description: String,
    /// Its category.
    pub category: Option<CategoryId>,
    /// The picture that came with it; one is taken out of the video otherwise.
    pub picture: Option<Picture>,
    /// The object's whole key.
    pub key: String,
    /// What was uploaded: its version, where the bucket has versions, and its hash. None for what is
    /// imported.
    pub uploaded: Option<(Option<String>, String)>,
    /// The name under which the same may be sent again.
    pub idempotency: Option<IdempotentRequest>,
}

/// Writes a VOD, `processing`, and the job that makes it, which any worker may take, or answers the VOD of an
/// earlier attempt. An uploaded object belongs to the job from then on; that of a repetition stays announced.
///
/// # Errors
/// [`Error::NoCategory`], [`Error::NoUser`], [`Error::AlreadyImported`]; the attempt's key was used for
/// something else; the store's.
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
                keep(conn, &[&new.key]).await?;
            }
            record_result(conn, request, vod).await?;
            storage::notify(conn, CHANNEL).await?;
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
    let row = (
        r::file_name.eq(&new.key),
        r::source.eq(if new.uploaded.is_some() {
            "upload"
        } else {
            "import"
        }),
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
    tracing::info!(recording_id = id, vod_id = vod, key = new.key, "video noted");
    Ok(())
}
