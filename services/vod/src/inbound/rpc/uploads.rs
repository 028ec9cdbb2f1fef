//! Videos that people send, and those that admins import.

mod incoming;

use metrics::gauge;
use objects::ledger::{announce, withdraw};
use primitives::{CategoryId, Error as DomainError, FieldError, Role, UserId, VodId, text};
use proto::Caller;
use proto::vod::v1::{ImportVodRequest, UploadVodUpload, Vod as VodMessage};
use storage::AsyncPgConnection;
use tonic::Streaming;
use uuid::Uuid;

use super::Rpc;
use super::changes::MAX_PX;
use crate::app::{App, Serving};
use crate::domain::{ImportName, Viewer};
use crate::error::{Error, Result};
use crate::slots::Slots;
use crate::store::recordings::{NewVideo, video_insert};
use incoming::{End, Incoming};

impl Rpc {
    /// Takes a video. What is sent before the request is looked at only as far as it must be.
    pub(super) async fn upload(
        &self,
        caller: Caller,
        viewer: Viewer,
        messages: Streaming<UploadVodUpload>,
    ) -> Result<VodMessage> {
        let slot = self.0.uploads.take(viewer.id).map_err(Error::Full)?;
        let serving = self.0.clone();
        // When the caller goes away this call is dropped where it stands. The task meets the end of the
        // stream and cleans up.
        let taken = tokio::spawn(async move {
            show(&serving.uploads);
            let taken = take(&serving, &caller, viewer.id, messages).await;
            drop(slot);
            show(&serving.uploads);
            taken
        });
        let id = taken.await.map_err(|_| DomainError::internal())??;
        self.shown(id, viewer).await
    }

    /// Makes a VOD of an object that is in the bucket already.
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
                "invalid",
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

fn show(uploads: &Slots) {
    let running = u32::try_from(uploads.taken()).unwrap_or(u32::MAX);
    gauge!("vod_uploads_running").set(running);
}

/// Announces an object, writes it, and makes it a job's. Whatever goes wrong, the object goes.
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
    let announced = async move |conn: &mut AsyncPgConnection| announce(conn, &keys, now).await;
    app.database.transaction(announced).await?;
    let taken = store(app, caller, user, video, &key).await;
    // Also after a success: a repetition has sent in vain what an earlier attempt had sent.
    let (withdrawn, now) = (key.clone(), app.clock.now());
    let withdraw = async move |conn: &mut AsyncPgConnection| withdraw(conn, &withdrawn, now).await;
    if let Err(error) = app.database.transaction(withdraw).await {
        tracing::warn!(key, %error, "what was uploaded in vain goes later");
    }
    taken
}

async fn store(app: &App, caller: &Caller, user: UserId, video: Incoming, key: &str) -> Result<VodId> {
    let (mut bytes, end) = video.into_reader();
    let stored = app
        .bucket
        .put_stream(&mut bytes, key, "application/octet-stream")
        .await;
    // The reader's own reason is better than the bucket's, which is told only that there is one.
    let end = end.now().transpose()?;
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
        .add(picture, MAX_PX, "thumbnails", "thumbnailFile")
        .await?;
    let new = NewVideo { picture, ..new };
    video_insert(&app.database, new, app.clock.now()).await
}

/// 0 is no category, as in a change.
fn category(given: Option<i64>) -> Result<Option<CategoryId>> {
    let given = given.filter(|id| *id != 0).map(CategoryId::try_from);
    given.transpose().map_err(|_| Error::NoCategory)
}
