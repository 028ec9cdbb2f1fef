//! Changes by owners and admins.

use media::image::MAX_BYTES;
use primitives::{CategoryId, VodId, text};
use proto::upload::read_in_memory;
use proto::vod::v1::{UpdateVodRequest, UpdateVodUpload, Vod as VodMessage};
use tonic::Streaming;

use super::Rpc;
use crate::domain::{Viewer, VodStatus, may_change};
use crate::error::{Error as VodError, Result};
use crate::store::recordings::recording_object;
use crate::store::vods::{Change, vod_retry, vod_update, vod_visible};

/// The maximum width and height of a thumbnail.
pub(super) const MAX_THUMBNAIL_PX: u32 = 1280;

impl Rpc {
    pub(super) async fn update(
        &self,
        viewer: Viewer,
        mut messages: Streaming<UpdateVodUpload>,
    ) -> Result<VodMessage> {
        let (bytes, request) = read_in_memory(&mut messages, MAX_BYTES).await?;
        let id = VodId::try_from(request.id).map_err(|_| VodError::NotFound)?;
        let change = checked(&request)?;
        let app = &self.0.app;
        // Checked first, so that an unauthorised request does not cause image processing.
        self.changeable(id, viewer).await?;
        let picture = app
            .pictures
            .add(bytes, MAX_THUMBNAIL_PX, "thumbnails", "thumbnailFile")
            .await?;
        let picture = (request.remove_thumbnail || picture.is_some()).then_some(picture);
        let change = Change { picture, ..change };
        vod_update(&app.database, id, viewer, change, app.clock.now()).await?;
        self.shown(id, viewer).await
    }

    /// Signs the URLs of a VOD again, even if they are still valid.
    pub(super) async fn refreshed_urls(&self, id: VodId, viewer: Viewer) -> Result<VodMessage> {
        let app = &self.0.app;
        let mut vod = self.changeable(id, viewer).await?;
        (vod.row.url_expires_at, vod.row.thumbnail_url_expires_at) = (None, None);
        let now = app.clock.now();
        let vods = std::slice::from_mut(&mut vod);
        crate::store::vods::vods_renew_urls(&app.database, &app.bucket, app.url_life(), vods, now).await?;
        Ok(super::message(vod, Some(viewer)))
    }

    pub(super) async fn retried(&self, id: VodId, viewer: Viewer) -> Result<VodMessage> {
        let app = &self.0.app;
        let vod = self.changeable(id, viewer).await?;
        // Checked before the transaction, which must not wait for other systems.
        if vod.status == VodStatus::Failed
            && let Some(key) = recording_object(&app.database, id).await?
            && !app.bucket.exists(&key).await?
        {
            return Err(VodError::SourceGone);
        }
        vod_retry(&app.database, id, viewer, app.clock.now()).await?;
        self.shown(id, viewer).await
    }

    pub(super) async fn shown(&self, id: VodId, viewer: Viewer) -> Result<VodMessage> {
        let vod = vod_visible(&self.0.app.database, id, Some(viewer)).await?;
        self.answer(vod, Some(viewer)).await
    }

    async fn changeable(&self, id: VodId, viewer: Viewer) -> Result<crate::store::vods::Vod> {
        let vod = vod_visible(&self.0.app.database, id, Some(viewer)).await?;
        if may_change(vod.user(), Some(viewer)) {
            Ok(vod)
        } else {
            Err(VodError::NotOwner)
        }
    }
}

fn checked(request: &UpdateVodRequest) -> Result<Change> {
    let category = match request.category_id {
        None => None,
        Some(0) => Some(None),
        Some(id) => Some(Some(CategoryId::try_from(id).map_err(|_| VodError::NoCategory)?)),
    };
    Ok(Change {
        title: request.title.as_deref().map(text::title).transpose()?,
        description: request
            .description
            .as_deref()
            .map(text::description)
            .transpose()?,
        category,
        picture: None,
    })
}
