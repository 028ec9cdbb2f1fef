//! Calls that may bring a picture. Everything that is said is checked before the picture is looked at.

use media::image::MAX_BYTES;
use objects::Picture;
use proto::Caller;
use proto::stream::v1 as api;
use proto::upload::read_in_memory;
use tonic::Streaming;

use super::{Actor, Rpc, convert};
use crate::error::Result;
use crate::store::categories::{self, NewCategory};
use crate::store::streams::{self, NewStream};

/// Width and height of a picture at most, in pixels.
const MAX_PX: u32 = 1280;
/// The form's field, as clients know it.
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
        let stream = Some(self.shown(view, Some(actor.id))?);
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
        let change = streams::Change {
            title: request
                .title
                .as_deref()
                .map(primitives::text::title)
                .transpose()?,
            description: checked_description(request.description.as_deref())?,
            category: match request.category_id {
                None => None,
                Some(0) => Some(None),
                Some(id) => Some(Some(convert::category_id(id)?)),
            },
            picture: None,
        };
        // Whoever may not change the stream does not make us work for a picture.
        let owner = self.store.stream(id).await?.stream.user_id;
        actor.manages()(primitives::UserId(owner))?;
        let picture = self
            .changed_picture(bytes, request.remove_thumbnail, "streams")
            .await?;
        let change = streams::Change { picture, ..change };
        let view = self.store.stream_update(id, change, actor.manages()).await?;
        Ok(api::UpdateStreamResponse {
            stream: Some(self.shown(view, Some(actor.id))?),
        })
    }

    pub(super) async fn category_create(
        &self,
        caller: &Caller,
        mut messages: Streaming<api::CreateCategoryUpload>,
    ) -> Result<api::CreateCategoryResponse> {
        Actor::of(caller)?.must_be_admin()?;
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
        Actor::of(caller)?.must_be_admin()?;
        let (bytes, request) = read_in_memory(&mut messages, MAX_BYTES).await?;
        let name = convert::category_name(request.category)?;
        let change = categories::Change {
            name: request
                .name
                .as_deref()
                .map(convert::new_category_name)
                .transpose()?,
            description: checked_description(request.description.as_deref())?,
            tags: request.tags.map(|tags| convert::tags(&tags.tags)).transpose()?,
            picture: None,
        };
        let picture = self
            .changed_picture(bytes, request.remove_thumbnail, "categories")
            .await?;
        let change = categories::Change { picture, ..change };
        let row = self.store.category_update(name, change).await?;
        Ok(api::UpdateCategoryResponse {
            category: Some(convert::category(row)),
        })
    }

    async fn picture(&self, bytes: Vec<u8>, folder: &str) -> Result<Option<Picture>> {
        Ok(self.store.pictures.add(bytes, MAX_PX, folder, FIELD).await?)
    }

    /// A picture that came along, none when it is to go, nothing otherwise.
    async fn changed_picture(
        &self,
        bytes: Vec<u8>,
        remove: bool,
        folder: &str,
    ) -> Result<Option<Option<Picture>>> {
        let picture = self.picture(bytes, folder).await?;
        Ok((remove || picture.is_some()).then_some(picture))
    }
}

fn checked_description(text: Option<&str>) -> Result<Option<String>> {
    Ok(text.map(primitives::text::description).transpose()?)
}
