//! The gRPC service.

mod changes;
mod uploads;

use std::net::IpAddr;
use std::sync::Arc;

use identity::ServiceName;
use primitives::search::parse_search_query;
use primitives::{CategoryId, Error, FieldError, StreamId, UserId, VodId};
use proto::vod::v1::vod_service_server::VodService;
use proto::vod::v1::{
    CountViewsRequest, CountViewsResponse, DeleteVodRequest, DeleteVodResponse, GetVodRequest,
    GetVodResponse, GuestView, ImportVodRequest, ImportVodResponse, LatestOfStreamRequest,
    LatestOfStreamResponse, ListVodsRequest, ListVodsResponse, RefreshUrlsRequest, RefreshUrlsResponse,
    RetryVodRequest, RetryVodResponse, UpdateVodResponse, UpdateVodUpload, UploadVodResponse,
    UploadVodUpload, Vod as VodMessage, VodCategory, VodStatus,
};
use proto::{Caller, IntoStatus, page};
use tonic::{Request, Response, Status, Streaming};

use crate::app::Serving;
use crate::domain::{self, Viewer, list_visibility, may_change};
use crate::error::Result as ServiceResult;
use crate::store::views::{View, views_count};
use crate::store::vods::{
    Filter, Vod, vod_delete, vod_latest_of_stream, vod_visible, vods_list, vods_renew_urls,
};

/// The services that may call each method.
pub const CALLERS: &[(&str, &[ServiceName])] = &[
    ("GetVod", &[ServiceName::Gateway, ServiceName::Notification]),
    ("CountViews", &[ServiceName::Gateway]),
    ("ListVods", &[ServiceName::Gateway]),
    ("LatestOfStream", &[ServiceName::Gateway]),
    ("UploadVod", &[ServiceName::Gateway]),
    ("ImportVod", &[ServiceName::Gateway]),
    ("UpdateVod", &[ServiceName::Gateway]),
    ("RefreshUrls", &[ServiceName::Gateway]),
    ("RetryVod", &[ServiceName::Gateway]),
    ("DeleteVod", &[ServiceName::Gateway]),
];

/// Views per call.
const MAX_VIEWS: usize = 1000;

pub struct Rpc(pub Arc<Serving>);

#[tonic::async_trait]
impl VodService for Rpc {
    async fn get_vod(&self, request: Request<GetVodRequest>) -> Result<Response<GetVodResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let id: VodId = id(request.id, "id")?;
        let viewer = viewer(&caller);
        let database = &self.0.app.database;
        let mut vod = vod_visible(database, id, viewer)
            .await
            .map_err(IntoStatus::into_status)?;
        if request.count_view && vod.status == domain::VodStatus::Ready {
            vod.row.view_count += i64::from(self.counted(id, &caller).await);
        }
        let vod = self.answer(vod, viewer).await.map_err(IntoStatus::into_status)?;
        Ok(Response::new(GetVodResponse { vod: Some(vod) }))
    }

    async fn count_views(
        &self,
        request: Request<CountViewsRequest>,
    ) -> Result<Response<CountViewsResponse>, Status> {
        let views = guest_views(request.into_inner()).map_err(IntoStatus::into_status)?;
        views_count(&self.0.app.database, &self.0.redis, &views)
            .await
            .map_err(IntoStatus::into_status)?;
        Ok(Response::new(CountViewsResponse {}))
    }

    async fn list_vods(
        &self,
        request: Request<ListVodsRequest>,
    ) -> Result<Response<ListVodsResponse>, Status> {
        let viewer = viewer(&Caller::of(&request)?);
        let request = request.into_inner();
        let page = page::parse(request.page).map_err(IntoStatus::into_status)?;
        let user: Option<UserId> = optional_id(request.user_id, "userId")?;
        let stream: Option<StreamId> = optional_id(request.stream_id, "streamId")?;
        let filter = Filter {
            user,
            category: optional_id::<CategoryId>(request.category_id, "categoryId")?,
            stream,
            visibility: list_visibility(user, stream, viewer),
            username: request.username,
            tag: request.tag.as_deref().map(tag).transpose()?,
            patterns: patterns(request.query.as_deref())?,
        };
        let (mut vods, page) = vods_list(&self.0.app.database, &self.0.totals, filter, page)
            .await
            .map_err(IntoStatus::into_status)?;
        self.renew(&mut vods).await.map_err(IntoStatus::into_status)?;
        let vods = vods.into_iter().map(|vod| message(vod, viewer)).collect();
        Ok(Response::new(ListVodsResponse {
            vods,
            page: Some(page::info(page)),
        }))
    }

    async fn latest_of_stream(
        &self,
        request: Request<LatestOfStreamRequest>,
    ) -> Result<Response<LatestOfStreamResponse>, Status> {
        let viewer = viewer(&Caller::of(&request)?);
        let stream: StreamId = id(request.into_inner().stream_id, "streamId")?;
        let vod = vod_latest_of_stream(&self.0.app.database, stream)
            .await
            .map_err(IntoStatus::into_status)?;
        let vod = self.answer(vod, viewer).await.map_err(IntoStatus::into_status)?;
        Ok(Response::new(LatestOfStreamResponse { vod: Some(vod) }))
    }

    async fn upload_vod(
        &self,
        request: Request<Streaming<UploadVodUpload>>,
    ) -> Result<Response<UploadVodResponse>, Status> {
        let caller = Caller::of(&request)?;
        let viewer = actor(&caller)?;
        let vod = self.upload(caller, viewer, request.into_inner()).await;
        let vod = Some(vod.map_err(IntoStatus::into_status)?);
        Ok(Response::new(UploadVodResponse { vod }))
    }

    async fn import_vod(
        &self,
        request: Request<ImportVodRequest>,
    ) -> Result<Response<ImportVodResponse>, Status> {
        let caller = Caller::of(&request)?;
        let viewer = actor(&caller)?;
        let vod = self.import(&caller, viewer, request.into_inner()).await;
        let vod = Some(vod.map_err(IntoStatus::into_status)?);
        Ok(Response::new(ImportVodResponse { vod }))
    }

    async fn update_vod(
        &self,
        request: Request<Streaming<UpdateVodUpload>>,
    ) -> Result<Response<UpdateVodResponse>, Status> {
        let viewer = actor(&Caller::of(&request)?)?;
        let vod = self.update(viewer, request.into_inner()).await;
        let vod = Some(vod.map_err(IntoStatus::into_status)?);
        Ok(Response::new(UpdateVodResponse { vod }))
    }

    async fn refresh_urls(
        &self,
        request: Request<RefreshUrlsRequest>,
    ) -> Result<Response<RefreshUrlsResponse>, Status> {
        let viewer = actor(&Caller::of(&request)?)?;
        let id: VodId = id(request.into_inner().id, "id")?;
        let vod = self.refreshed_urls(id, viewer).await;
        let vod = Some(vod.map_err(IntoStatus::into_status)?);
        Ok(Response::new(RefreshUrlsResponse { vod }))
    }

    async fn retry_vod(
        &self,
        request: Request<RetryVodRequest>,
    ) -> Result<Response<RetryVodResponse>, Status> {
        let viewer = actor(&Caller::of(&request)?)?;
        let id: VodId = id(request.into_inner().id, "id")?;
        let vod = self.retried(id, viewer).await;
        let vod = Some(vod.map_err(IntoStatus::into_status)?);
        Ok(Response::new(RetryVodResponse { vod }))
    }

    async fn delete_vod(
        &self,
        request: Request<DeleteVodRequest>,
    ) -> Result<Response<DeleteVodResponse>, Status> {
        let viewer = actor(&Caller::of(&request)?)?;
        let id: VodId = id(request.into_inner().id, "id")?;
        let app = &self.0.app;
        vod_delete(&app.database, id, viewer, app.clock.now())
            .await
            .map_err(IntoStatus::into_status)?;
        Ok(Response::new(DeleteVodResponse {}))
    }
}

impl Rpc {
    /// Counts a view and returns whether it was counted. A failure must not prevent the response.
    async fn counted(&self, id: VodId, caller: &Caller) -> bool {
        let Some(key) = viewer_key(caller) else {
            return false;
        };
        let counted = views_count(&self.0.app.database, &self.0.redis, &[(id, key)]).await;
        counted.map_or_else(
            |error| {
                tracing::warn!(vod_id = id.0, %error, "view not counted");
                false
            },
            |counted| counted > 0,
        )
    }

    async fn answer(&self, vod: Vod, viewer: Option<Viewer>) -> ServiceResult<VodMessage> {
        let mut one = [vod];
        self.renew(&mut one).await?;
        let [vod] = one;
        Ok(message(vod, viewer))
    }

    async fn renew(&self, vods: &mut [Vod]) -> ServiceResult<()> {
        let app = &self.0.app;
        vods_renew_urls(&app.database, &app.bucket, app.url_life(), vods, app.clock.now()).await
    }
}

/// Returns the signed-in user.
fn actor(caller: &Caller) -> Result<Viewer, Status> {
    let user = caller.user().map_err(IntoStatus::into_status)?;
    Ok(Viewer {
        id: user.id,
        role: user.role,
    })
}

fn viewer(caller: &Caller) -> Option<Viewer> {
    caller.user.as_ref().map(|user| Viewer {
        id: user.id,
        role: user.role,
    })
}

/// Returns the key of a viewer. A signed-in user counts once across devices; a guest counts once per address.
fn viewer_key(caller: &Caller) -> Option<String> {
    caller
        .user
        .as_ref()
        .map(|user| format!("u:{}", user.id))
        .or_else(|| caller.client_address.map(guest))
}

fn guest(address: IpAddr) -> String {
    format!("a:{address}")
}

fn guest_views(request: CountViewsRequest) -> Result<Vec<View>, Error> {
    if request.seen.len() > MAX_VIEWS {
        return Err(FieldError::too_many("seen", MAX_VIEWS).into());
    }
    let view = |seen: GuestView| {
        let address = seen.client_address.parse();
        let address = address
            .map_err(|_| FieldError::new("clientAddress", "invalid_address", "must be an IP address"))?;
        let vod = VodId::try_from(seen.vod_id).map_err(|_| FieldError::invalid_id("vodId"))?;
        Ok((vod, guest(address)))
    };
    request.seen.into_iter().map(view).collect()
}

fn id<T: TryFrom<i64>>(id: i64, path: &'static str) -> Result<T, Status> {
    T::try_from(id).map_err(|_| Error::from(FieldError::invalid_id(path)).into_status())
}

fn optional_id<T: TryFrom<i64>>(given: Option<i64>, path: &'static str) -> Result<Option<T>, Status> {
    given.map(|given| id(given, path)).transpose()
}

/// Tags are case-insensitive.
fn tag(text: &str) -> Result<String, Status> {
    let checked = primitives::text::tag(text).map_err(IntoStatus::into_status);
    checked.map(|tag| tag.to_lowercase())
}

/// Returns the patterns of a search query. Words without a letter or a digit are rejected.
fn patterns(query: Option<&str>) -> Result<Vec<String>, Status> {
    let asked = query.map(parse_search_query).transpose();
    Ok(asked.map_err(IntoStatus::into_status)?.unwrap_or_default())
}

fn message(vod: Vod, viewer: Option<Viewer>) -> VodMessage {
    let own = may_change(vod.user(), viewer);
    let Vod {
        row,
        status,
        owner,
        category,
    } = vod;
    let (username, display_name) = owner.unwrap_or_default();
    let (id, time) = (row.id, proto::time::timestamp);
    VodMessage {
        id,
        stream_id: row.stream_id,
        user_id: row.user_id,
        username,
        display_name,
        title: row.title,
        description: row.description,
        status: match status {
            domain::VodStatus::Processing => VodStatus::Processing,
            domain::VodStatus::Ready => VodStatus::Ready,
            domain::VodStatus::Failed => VodStatus::Failed,
        }
        .into(),
        failure_reason: row.failure_reason.filter(|_| own),
        video_url: row.video_url,
        url_expires_at: row.url_expires_at.map(time),
        thumbnail_url: row.thumbnail_url,
        thumbnail_url_expires_at: row.thumbnail_url_expires_at.map(time),
        category: category.map(|(id, name, slug)| VodCategory { id, name, slug }),
        duration_seconds: row.duration_seconds,
        view_count: u64::try_from(row.view_count).unwrap_or(0),
        created_at: Some(time(row.created_at)),
        updated_at: Some(time(row.updated_at)),
    }
}
