//! The methods of the gRPC service.

use primitives::StreamId;
use proto::stream::v1 as api;
use proto::stream::v1::stream_service_server::StreamService;
use proto::{Caller, page};
use tonic::{Request, Response, Status, Streaming};

use super::{Actor, Rpc, convert, leases, respond};
use crate::store::categories::CategoryKey;

#[tonic::async_trait]
impl StreamService for Rpc {
    async fn create_stream(
        &self,
        request: Request<Streaming<api::CreateStreamUpload>>,
    ) -> Result<Response<api::CreateStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, self.create(&caller, request.into_inner())).await
    }

    async fn get_stream(
        &self,
        request: Request<api::GetStreamRequest>,
    ) -> Result<Response<api::GetStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let id = convert::stream_id(request.into_inner().id)?;
            let view = self.store.stream(id).await?;
            let user = caller.user.as_ref().map(|user| user.id);
            let stream = self.stream_message(view, user)?;
            let rtmp_url = stream.stream_key.is_some().then(|| self.rtmp_url.clone());
            Ok(api::GetStreamResponse {
                stream: Some(stream),
                rtmp_url,
            })
        })
        .await
    }

    async fn list_streams(
        &self,
        request: Request<api::ListStreamsRequest>,
    ) -> Result<Response<api::ListStreamsResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, self.list(request.into_inner())).await
    }

    async fn update_stream(
        &self,
        request: Request<Streaming<api::UpdateStreamUpload>>,
    ) -> Result<Response<api::UpdateStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, self.update(&caller, request.into_inner())).await
    }

    async fn delete_stream(
        &self,
        request: Request<api::DeleteStreamRequest>,
    ) -> Result<Response<api::DeleteStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let actor = Actor::of(&caller)?;
            let id: StreamId = convert::stream_id(request.into_inner().id)?;
            self.store.stream_delete(id, actor.require_manager()).await?;
            Ok(api::DeleteStreamResponse {})
        })
        .await
    }

    async fn rotate_key(
        &self,
        request: Request<api::RotateKeyRequest>,
    ) -> Result<Response<api::RotateKeyResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let actor = Actor::of(&caller)?;
            let id = convert::stream_id(request.into_inner().id)?;
            let key = self.store.stream_rotate_key(id, actor.require_owner()).await?;
            Ok(api::RotateKeyResponse {
                stream_key: key.reveal(),
                rtmp_url: self.rtmp_url.clone(),
            })
        })
        .await
    }

    async fn stop_stream(
        &self,
        request: Request<api::StopStreamRequest>,
    ) -> Result<Response<api::StopStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let actor = Actor::of(&caller)?;
            let id = convert::stream_id(request.into_inner().id)?;
            let view = self.store.stream_stop(id, actor.require_manager()).await?;
            Ok(api::StopStreamResponse {
                stream: Some(self.stream_message(view, Some(actor.id))?),
            })
        })
        .await
    }

    async fn list_broadcasts(
        &self,
        request: Request<api::ListBroadcastsRequest>,
    ) -> Result<Response<api::ListBroadcastsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let user = caller.user.as_ref().map(|user| user.id);
        respond(&caller, self.broadcasts(request.into_inner(), user)).await
    }

    async fn list_categories(
        &self,
        request: Request<api::ListCategoriesRequest>,
    ) -> Result<Response<api::ListCategoriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let request = request.into_inner();
            let page = page::parse(request.page)?;
            let tag = request.tag.as_deref().map(convert::tag).transpose()?;
            let (rows, info) = self.store.category_list(tag, page).await?;
            Ok(api::ListCategoriesResponse {
                categories: rows.into_iter().map(convert::category).collect(),
                page: Some(page::info(info)),
            })
        })
        .await
    }

    async fn get_category(
        &self,
        request: Request<api::GetCategoryRequest>,
    ) -> Result<Response<api::GetCategoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let key: CategoryKey = convert::category_key(request.into_inner().category)?;
            let category = Some(convert::category(self.store.category(key).await?));
            Ok(api::GetCategoryResponse { category })
        })
        .await
    }

    async fn create_category(
        &self,
        request: Request<Streaming<api::CreateCategoryUpload>>,
    ) -> Result<Response<api::CreateCategoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, self.category_create(&caller, request.into_inner())).await
    }

    async fn update_category(
        &self,
        request: Request<Streaming<api::UpdateCategoryUpload>>,
    ) -> Result<Response<api::UpdateCategoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, self.category_update(&caller, request.into_inner())).await
    }

    async fn delete_category(
        &self,
        request: Request<api::DeleteCategoryRequest>,
    ) -> Result<Response<api::DeleteCategoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            Actor::of(&caller)?.require_admin()?;
            let key = convert::category_key(request.into_inner().category)?;
            self.store.category_delete(key).await?;
            Ok(api::DeleteCategoryResponse {})
        })
        .await
    }

    async fn category_snapshot(
        &self,
        request: Request<api::CategorySnapshotRequest>,
    ) -> Result<Response<api::CategorySnapshotResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let categories = self.store.category_snapshot().await?;
            Ok(api::CategorySnapshotResponse {
                categories: categories.into_iter().map(convert::category_copy).collect(),
            })
        })
        .await
    }

    async fn get_room(
        &self,
        request: Request<api::GetRoomRequest>,
    ) -> Result<Response<api::GetRoomResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, self.room(request.into_inner())).await
    }

    async fn renew_viewers(
        &self,
        request: Request<api::RenewViewersRequest>,
    ) -> Result<Response<api::RenewViewersResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let request = request.into_inner();
            let gateway = leases::gateway(request.gateway)?;
            let leases = leases::by_stream(request.leases, leases::lease)?;
            self.leases.renew(&gateway, &leases).await?;
            Ok(api::RenewViewersResponse {})
        })
        .await
    }

    async fn release_viewers(
        &self,
        request: Request<api::ReleaseViewersRequest>,
    ) -> Result<Response<api::ReleaseViewersResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, async {
            let request = request.into_inner();
            let gateway = leases::gateway(request.gateway)?;
            let viewers = leases::by_stream(request.leases, |lease| leases::viewer(lease.viewer))?;
            self.leases.release(&gateway, &viewers).await?;
            Ok(api::ReleaseViewersResponse {})
        })
        .await
    }

    async fn resolve_recording(
        &self,
        request: Request<api::ResolveRecordingRequest>,
    ) -> Result<Response<api::ResolveRecordingResponse>, Status> {
        let caller = Caller::of(&request)?;
        respond(&caller, self.resolve(request.into_inner())).await
    }
}
