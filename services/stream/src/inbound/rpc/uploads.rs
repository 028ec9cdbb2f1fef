//! Calls with an optional thumbnail. All fields are validated before the thumbnail is processed.

use media::image::MAX_BYTES;
use objects::StoredImage;
use proto::Caller;
use proto::stream::v1 as api;
use proto::upload::read_in_memory;
use tonic::Streaming;

use super::{Actor, Rpc, convert};
use crate::error::Result;
use crate::store::categories::{CategoryUpdate, NewCategory};
use crate::store::streams::{NewStream, StreamUpdate};

/// The maximum width and height of a thumbnail, in pixels.
const MAX_PX: u32 = 1280;
/// The name of the form field in the REST API, for validation errors.
const FIELD: &str = "thumbnailFile";

impl Rpc {
    pub(super) async fn create(
        &self,
        caller: &Caller,
        mut messages: Streaming<api::CreateStreamUpload>,
    ) -> Result<api::CreateStreamResponse> {
        let actor = Actor::of(caller)?;
        let (bytes, request) = read_in_memory(&mut messages, MAX_BYTES).await?;
        let new = NewStream {
            title: primitives::text::title(&request.title)?,
            description: primitives::text::description(&request.description)?,
            category: request.category_id.map(convert::category_id).transpose()?,
            picture: None,
            idempotency: caller.idempotent_request("stream.create", &request, &[&bytes])?,
        };
        let picture = self.picture(bytes, "streams").await?;
        let new = NewStream { picture, ..new };
        let view = self.store.stream_create(actor.id, actor.username, new).await?;
        let stream = Some(self.stream_message(view, Some(actor.id))?);
        Ok(api::CreateStreamResponse {
            stream,
            rtmp_url: self.rtmp_url.clone(),
        })
    }

    pub(super) async fn update(
        &self,
        caller: &Caller,
        mut messages: Streaming<api::UpdateStreamUpload>,
    ) -> Result<api::UpdateStreamResponse> {
        let actor = Actor::of(caller)?;
        let (bytes, request) = read_in_memory(&mut messages, MAX_BYTES).await?;
        let id = convert::stream_id(request.id)?;
        let update = StreamUpdate {
            title: request
                .title
                .as_deref()
                .map(primitives::text::title)
                .transpose()?,
            description: parse_description(request.description.as_deref())?,
            category: match request.category_id {
                None => None,
                Some(0) => Some(None),
                Some(id) => Some(Some(convert::category_id(id)?)),
            },
            picture: None,
        };
        // Unauthorised callers must not cause the work of processing a thumbnail.
        let owner = self.store.stream(id).await?.stream.user_id;
        actor.require_manager()(primitives::UserId(owner))?;
        let picture = self
            .picture_update(bytes, request.remove_thumbnail, "streams")
            .await?;
        let update = StreamUpdate { picture, ..update };
        let view = self
            .store
            .stream_update(id, update, actor.require_manager())
            .await?;
        Ok(api::UpdateStreamResponse {
            stream: Some(self.stream_message(view, Some(actor.id))?),
        })
    }

    pub(super) async fn category_create(
        &self,
        caller: &Caller,
        mut messages: Streaming<api::CreateCategoryUpload>,
    ) -> Result<api::CreateCategoryResponse> {
        Actor::of(caller)?.require_admin()?;
        let (bytes, request) = read_in_memory(&mut messages, MAX_BYTES).await?;
        let new = NewCategory {
            name: convert::new_category_name(&request.name)?,
            description: primitives::text::description(&request.description)?,
            tags: convert::tags(&request.tags)?,
            picture: None,
        };
        let picture = self.picture(bytes, "categories").await?;
        let row = self.store.category_create(NewCategory { picture, ..new }).await?;
        Ok(api::CreateCategoryResponse {
            category: Some(convert::category(row)),
        })
    }

    pub(super) async fn category_update(
        &self,
        caller: &Caller,
        mut messages: Streaming<api::UpdateCategoryUpload>,
    ) -> Result<api::UpdateCategoryResponse> {
        Actor::of(caller)?.require_admin()?;
        let (bytes, request) = read_in_memory(&mut messages, MAX_BYTES).await?;
        let key = convert::category_key(request.category)?;
        let update = CategoryUpdate {
            name: request
                .name
                .as_deref()
                .map(convert::new_category_name)
                .transpose()?,
            description: parse_description(request.description.as_deref())?,
            tags: request.tags.map(|tags| convert::tags(&tags.tags)).transpose()?,
            picture: None,
        };
        let picture = self
            .picture_update(bytes, request.remove_thumbnail, "categories")
            .await?;
        let update = CategoryUpdate { picture, ..update };
        let row = self.store.category_update(key, update).await?;
        Ok(api::UpdateCategoryResponse {
            category: Some(convert::category(row)),
        })
    }

    async fn picture(&self, bytes: Vec<u8>, folder: &str) -> Result<Option<StoredImage>> {
        Ok(self.store.pictures.add(bytes, MAX_PX, folder, FIELD).await?)
    }

    /// Returns `Some(Some(_))` to replace the thumbnail, `Some(None)` to remove it, and `None` to keep it.
    async fn picture_update(
        &self,
        bytes: Vec<u8>,
        remove: bool,
        folder: &str,
    ) -> Result<Option<Option<StoredImage>>> {
        let picture = self.picture(bytes, folder).await?;
        Ok((remove || picture.is_some()).then_some(picture))
    }
}

fn parse_description(text: Option<&str>) -> Result<Option<String>> {
    Ok(text.map(primitives::text::description).transpose()?)
}
