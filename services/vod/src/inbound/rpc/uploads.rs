//! Uploads by users and imports by admins.

mod incoming;

use metrics::gauge;
use objects::ledger::{release, reserve};
use primitives::{CategoryId, Error as DomainError, FieldError, Role, UserId, VodId, text};
use proto::Caller;
use proto::vod::v1::{ImportVodRequest, UploadVodUpload, Vod as VodMessage};
use storage::AsyncPgConnection;
use tonic::Streaming;
use uuid::Uuid;

use super::Rpc;
use super::changes::MAX_THUMBNAIL_PX;
use crate::app::{App, Serving};
use crate::domain::UploadSlots;
use crate::domain::{ImportName, Viewer};
use crate::error::{Error, Result};
use crate::store::recordings::{NewVideo, video_insert};
use incoming::{End, Incoming};

impl Rpc {
    /// Receives an upload.
    pub(super) async fn upload(
        &self,
        caller: Caller,
        viewer: Viewer,
        messages: Streaming<UploadVodUpload>,
    ) -> Result<VodMessage> {
        let slot = self.0.uploads.acquire(viewer.id)?;
        let serving = self.0.clone();
        // This future is dropped when the caller disconnects. The task sees the end of the stream and cleans
        // up.
        let taken = tokio::spawn(async move {
            report_running(&serving.uploads);
            let taken = take(&serving, &caller, viewer.id, messages).await;
            drop(slot);
            report_running(&serving.uploads);
            taken
        });
        let id = taken.await.map_err(|_| DomainError::internal())??;
        self.shown(id, viewer).await
    }

    /// Creates a VOD from an object in the bucket.
    pub(super) async fn import(
        &self,
        caller: &Caller,
        viewer: Viewer,
        request: ImportVodRequest,
    ) -> Result<VodMessage> {
        if viewer.role != Role::Admin {
            return Err(Error::AdminOnly);
        }
        let app = &self.0.app;
        let name = ImportName::parse(&request.object_key).ok_or_else(|| {
            DomainError::from(FieldError::new(
                "objectKey",
                "invalid_object_key",
                "must name an object in imports/",
            ))
        })?;
        let named = request.user_id.map(UserId::try_from).transpose();
        let named = named.map_err(|_| DomainError::from(FieldError::invalid_id("userId")))?;
        let new = NewVideo {
            user: named.unwrap_or(viewer.id),
            user_must_be_known: named.is_some(),
            title: text::title(&request.title)?,
            description: text::description(&request.description)?,
            category: category(request.category_id)?,
            picture: None,
            key: app.bucket.key(name.as_str()),
            uploaded: None,
            idempotency: caller.idempotent_request("vod.import", &request, &[])?,
        };
        if !app.bucket.exists(&new.key).await? {
            return Err(Error::NoObject);
        }
        let id = video_insert(&app.database, new, app.clock.now()).await?;
        self.shown(id, viewer).await
    }
}

fn report_running(uploads: &UploadSlots) {
    let running = u32::try_from(uploads.in_use()).unwrap_or(u32::MAX);
    gauge!("vod_uploads_running").set(running);
}

/// Reserves a key, uploads the object and creates its job. Releases the key after any error.
async fn take(
    serving: &Serving,
    caller: &Caller,
    user: UserId,
    messages: Streaming<UploadVodUpload>,
) -> Result<VodId> {
    let app = &serving.app;
    let video = Incoming::begin(messages, serving.config.upload_max_bytes).await?;
    let key = app.bucket.key(&format!("incoming/{}", Uuid::now_v7().simple()));
    let (keys, now) = ([key.clone()], app.clock.now());
    let announced = async move |conn: &mut AsyncPgConnection| reserve(conn, &keys, now).await;
    app.database.transaction(announced).await?;
    let taken = store(app, caller, user, video, &key).await;
    // Also after a success: if the request is a repeat, its upload is not needed.
    let (withdrawn, now) = (key.clone(), app.clock.now());
    let withdraw = async move |conn: &mut AsyncPgConnection| release(conn, &withdrawn, now).await;
    if let Err(error) = app.database.transaction(withdraw).await {
        tracing::warn!(key, %error, "key not released, object will be deleted later");
    }
    taken
}

async fn store(app: &App, caller: &Caller, user: UserId, video: Incoming, key: &str) -> Result<VodId> {
    let (mut bytes, end) = video.into_reader();
    let stored = app
        .bucket
        .put_stream(&mut bytes, key, "application/octet-stream")
        .await;
    // The error of the reader is more specific than that of the bucket.
    let end = end.result().transpose()?;
    let stored = stored?;
    let End { request, picture } = end.ok_or_else(DomainError::internal)?;
    let files: [&[u8]; 2] = [stored.sha256.as_bytes(), &picture];
    let new = NewVideo {
        user,
        user_must_be_known: false,
        title: text::title(&request.title)?,
        description: text::description(&request.description)?,
        category: category(request.category_id)?,
        picture: None,
        key: stored.key,
        idempotency: caller.idempotent_request("vod.upload", &request, &files)?,
        uploaded: Some((stored.version_id, stored.sha256)),
    };
    let picture = app
        .pictures
        .add(picture, MAX_THUMBNAIL_PX, "thumbnails", "thumbnailFile")
        .await?;
    let new = NewVideo { picture, ..new };
    video_insert(&app.database, new, app.clock.now()).await
}

/// Parses the category of an upload. As in updates, 0 means no category.
fn category(given: Option<i64>) -> Result<Option<CategoryId>> {
    let given = given.filter(|id| *id != 0).map(CategoryId::try_from);
    given.transpose().map_err(|_| Error::NoCategory)
}
