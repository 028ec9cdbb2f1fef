//! The gRPC API: parse, who is asking, one store call, answer.

mod convert;

use domain::page::PageRequest;
use domain::{Role, StreamId, UserId};
use identity::ServiceName;
use proto::stream::v1::stream_service_server::StreamService;
use proto::stream::v1::{self as api};
use proto::time::timestamp;
use proto::{Caller, IntoStatus};
use tonic::{Request, Response, Status};

use crate::domain::{RecordingName, may_manage};
use crate::error::{Error, Result};
use crate::outbound::media_node::MediaNodes;
use crate::store::Store;
use crate::store::categories::CategoryName;
use crate::store::leases::{Leases, Viewers};
use crate::store::streams::{Change, Filter, NewStream, StreamView, Totals};

/// Which services may call what.
pub const CALLERS: &[(&str, &[ServiceName])] = &[
    ("CreateStream", &[ServiceName::Gateway]),
    (
        "GetStream",
        &[
            ServiceName::Gateway,
            ServiceName::Vod,
            ServiceName::Chat,
            ServiceName::Notification,
        ],
    ),
    ("ListStreams", &[ServiceName::Gateway]),
    ("UpdateStream", &[ServiceName::Gateway]),
    ("DeleteStream", &[ServiceName::Gateway]),
    ("RotateKey", &[ServiceName::Gateway]),
    ("StopStream", &[ServiceName::Gateway]),
    ("ListBroadcasts", &[ServiceName::Gateway]),
    ("ListCategories", &[ServiceName::Gateway]),
    ("GetCategory", &[ServiceName::Gateway, ServiceName::Vod]),
    ("CategorySnapshot", &[ServiceName::Vod]),
    ("GetRoom", &[ServiceName::Gateway, ServiceName::Chat]),
    ("RenewViewers", &[ServiceName::Gateway]),
    ("ReleaseViewers", &[ServiceName::Gateway]),
    ("ResolveRecording", &[ServiceName::Vod]),
];

/// Leases in one call: a gateway with more viewers makes several.
const MOST_LEASES: usize = 20_000;

/// The API.
#[derive(Debug, Clone)]
pub struct Rpc {
    /// The tables.
    pub store: Store,
    /// Viewers.
    pub leases: Leases,
    /// Where viewers find live streams.
    pub nodes: MediaNodes,
    /// The encoder's server field.
    pub rtmp_url: String,
    /// Totals of lists.
    pub totals: Totals,
}

/// The user for whom a call is made.
#[derive(Debug, Clone)]
struct Actor {
    id: UserId,
    role: Role,
    username: String,
}

impl Actor {
    fn of(caller: &Caller) -> Result<Self> {
        let user = caller.user.as_ref().ok_or(Error::Unauthenticated)?;
        Ok(Self {
            id: user.id,
            role: user.role,
            username: user.username.clone(),
        })
    }

    /// May change and stop: the owner and admins.
    fn manages(&self) -> impl FnOnce(UserId) -> Result<()> + Send + 'static {
        let (id, role) = (self.id, self.role);
        move |owner| {
            if may_manage(id, role, owner) {
                Ok(())
            } else {
                Err(Error::NotOwner)
            }
        }
    }

    /// May see the key: the owner alone.
    fn owns(&self) -> impl FnOnce(UserId) -> Result<()> + Send + 'static {
        let id = self.id;
        move |owner| if id == owner { Ok(()) } else { Err(Error::NotOwner) }
    }
}

impl Rpc {
    /// A stream as this user may see it.
    fn shown(&self, view: StreamView, user: Option<UserId>) -> Result<api::Stream> {
        let key = match user {
            Some(user) if user.0 == view.stream.user_id => Some(self.store.key_of(&view.stream)?.reveal()),
            _ => None,
        };
        Ok(convert::stream(view, key, &self.nodes))
    }

    async fn list(&self, request: api::ListStreamsRequest) -> Result<api::ListStreamsResponse> {
        let page = convert::page_request(request.page)?;
        let filter = Filter {
            live: convert::live(request.status)?,
            category: request.category_id.map(convert::category_id).transpose()?,
            owner: request.user_id.map(convert::user_id).transpose()?,
        };
        let sort = convert::sort(request.sort)?;
        let page = self.store.stream_list(filter, sort, page, &self.totals).await?;
        let streams = page
            .streams
            .into_iter()
            .map(|view| convert::stream(view, None, &self.nodes))
            .collect();
        Ok(api::ListStreamsResponse {
            streams,
            page: Some(convert::page_info(&page.info)),
        })
    }

    async fn broadcasts(
        &self,
        request: api::ListBroadcastsRequest,
        user: Option<UserId>,
    ) -> Result<api::ListBroadcastsResponse> {
        let stream = convert::stream_id(request.stream_id)?;
        let page: PageRequest = convert::page_request(request.page)?;
        let owner = self.store.stream(stream).await?.stream.user_id;
        let (rows, mut curves, info) = self.store.broadcast_list(stream, page).await?;
        let refusals = match user {
            Some(user) if user.0 == owner => self.store.refusal_list(stream).await?,
            _ => Vec::new(),
        };
        Ok(api::ListBroadcastsResponse {
            broadcasts: rows
                .into_iter()
                .map(|row| {
                    let curve = curves.remove(&row.id).unwrap_or_default();
                    convert::broadcast(row, curve)
                })
                .collect(),
            page: Some(convert::page_info(&info)),
            refusals: refusals
                .into_iter()
                .map(|row| api::PublishRefusal {
                    at: Some(timestamp(row.refused_at)),
                    reason: row.reason,
                })
                .collect(),
        })
    }

    /// The count comes from Redis; without it, what was written last is better than no answer.
    async fn room(&self, request: api::GetRoomRequest) -> Result<api::GetRoomResponse> {
        let id = convert::stream_id(request.stream_id)?;
        let stream = self.store.stream(id).await?.stream;
        let viewer_count = match self.leases.count(id).await {
            Ok(count) => count,
            Err(error) => {
                tracing::warn!(%error, "viewers not counted");
                u32::try_from(stream.viewer_count).unwrap_or(0)
            }
        };
        Ok(api::GetRoomResponse {
            stream_id: stream.id,
            owner_id: stream.user_id,
            live: stream.is_live(),
            viewer_count,
            version: stream.version,
        })
    }

    async fn resolve(&self, request: api::ResolveRecordingRequest) -> Result<api::ResolveRecordingResponse> {
        let Some(file) = RecordingName::parse(&request.file_name) else {
            return Ok(api::ResolveRecordingResponse { owner: None });
        };
        let resolved = self
            .store
            .recording_resolve(convert::node(request.node)?, file)
            .await?;
        Ok(api::ResolveRecordingResponse {
            owner: resolved.map(convert::recording_owner),
        })
    }
}

/// Answers within what the caller waits for.
async fn answer<T>(caller: &Caller, work: impl Future<Output = Result<T>>) -> Result<Response<T>, Status> {
    match tokio::time::timeout_at(caller.deadline.into(), work).await {
        Ok(Ok(answer)) => Ok(Response::new(answer)),
        Ok(Err(error)) => Err(error.into_status()),
        Err(_) => Err(domain::Error::unavailable().into_status()),
    }
}

fn leases(leases: Vec<api::ViewerLease>) -> Result<Viewers> {
    if leases.len() > MOST_LEASES {
        return Err(domain::FieldError::new("leases", format!("must be at most {MOST_LEASES}")).into());
    }
    let mut viewers = Viewers::new();
    for lease in leases {
        let stream = convert::stream_id(lease.stream_id)?;
        viewers
            .entry(stream)
            .or_default()
            .push(convert::viewer(lease.viewer)?);
    }
    Ok(viewers)
}

#[tonic::async_trait]
impl StreamService for Rpc {
    async fn create_stream(
        &self,
        request: Request<api::CreateStreamRequest>,
    ) -> Result<Response<api::CreateStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let actor = Actor::of(&caller)?;
            let request = request.into_inner();
            let new = NewStream {
                title: domain::text::title(&request.title)?,
                description: domain::text::description(&request.description)?,
                category: request.category_id.map(convert::category_id).transpose()?,
            };
            let view = self.store.stream_create(actor.id, actor.username, new).await?;
            let stream = Some(self.shown(view, Some(actor.id))?);
            Ok(api::CreateStreamResponse {
                stream,
                rtmp_url: self.rtmp_url.clone(),
            })
        })
        .await
    }

    async fn get_stream(
        &self,
        request: Request<api::GetStreamRequest>,
    ) -> Result<Response<api::GetStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let id = convert::stream_id(request.into_inner().id)?;
            let view = self.store.stream(id).await?;
            let user = caller.user.as_ref().map(|user| user.id);
            let stream = self.shown(view, user)?;
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
        answer(&caller, self.list(request.into_inner())).await
    }

    async fn update_stream(
        &self,
        request: Request<api::UpdateStreamRequest>,
    ) -> Result<Response<api::UpdateStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let actor = Actor::of(&caller)?;
            let request = request.into_inner();
            let category = match request.category_id {
                None => None,
                Some(0) => Some(None),
                Some(id) => Some(Some(convert::category_id(id)?)),
            };
            let change = Change {
                title: request.title.as_deref().map(domain::text::title).transpose()?,
                description: request
                    .description
                    .as_deref()
                    .map(domain::text::description)
                    .transpose()?,
                category,
            };
            let id = convert::stream_id(request.id)?;
            let view = self.store.stream_update(id, change, actor.manages()).await?;
            Ok(api::UpdateStreamResponse {
                stream: Some(self.shown(view, Some(actor.id))?),
            })
        })
        .await
    }

    async fn delete_stream(
        &self,
        request: Request<api::DeleteStreamRequest>,
    ) -> Result<Response<api::DeleteStreamResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let actor = Actor::of(&caller)?;
            let id: StreamId = convert::stream_id(request.into_inner().id)?;
            self.store.stream_delete(id, actor.manages()).await?;
            Ok(api::DeleteStreamResponse {})
        })
        .await
    }

    async fn rotate_key(
        &self,
        request: Request<api::RotateKeyRequest>,
    ) -> Result<Response<api::RotateKeyResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let actor = Actor::of(&caller)?;
            let id = convert::stream_id(request.into_inner().id)?;
            let key = self.store.stream_rotate_key(id, actor.owns()).await?;
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
        answer(&caller, async {
            let actor = Actor::of(&caller)?;
            let id = convert::stream_id(request.into_inner().id)?;
            let view = self.store.stream_stop(id, actor.manages()).await?;
            Ok(api::StopStreamResponse {
                stream: Some(self.shown(view, Some(actor.id))?),
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
        answer(&caller, self.broadcasts(request.into_inner(), user)).await
    }

    async fn list_categories(
        &self,
        request: Request<api::ListCategoriesRequest>,
    ) -> Result<Response<api::ListCategoriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let request = request.into_inner();
            let page = convert::page_request(request.page)?;
            let tag = request.tag.as_deref().map(domain::text::tag).transpose()?;
            let (rows, info) = self.store.category_list(tag, page).await?;
            Ok(api::ListCategoriesResponse {
                categories: rows.into_iter().map(convert::category).collect(),
                page: Some(convert::page_info(&info)),
            })
        })
        .await
    }

    async fn get_category(
        &self,
        request: Request<api::GetCategoryRequest>,
    ) -> Result<Response<api::GetCategoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let name: CategoryName = convert::category_name(request.into_inner().category)?;
            let category = Some(convert::category(self.store.category(name).await?));
            Ok(api::GetCategoryResponse { category })
        })
        .await
    }

    async fn category_snapshot(
        &self,
        request: Request<api::CategorySnapshotRequest>,
    ) -> Result<Response<api::CategorySnapshotResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let categories = self.store.category_snapshot().await?;
            Ok(api::CategorySnapshotResponse {
                categories: categories.into_iter().map(convert::copy).collect(),
            })
        })
        .await
    }

    async fn get_room(
        &self,
        request: Request<api::GetRoomRequest>,
    ) -> Result<Response<api::GetRoomResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, self.room(request.into_inner())).await
    }

    async fn renew_viewers(
        &self,
        request: Request<api::RenewViewersRequest>,
    ) -> Result<Response<api::RenewViewersResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let request = request.into_inner();
            let gateway = convert::gateway(request.gateway)?;
            self.leases.renew(&gateway, &leases(request.leases)?).await?;
            Ok(api::RenewViewersResponse {})
        })
        .await
    }

    async fn release_viewers(
        &self,
        request: Request<api::ReleaseViewersRequest>,
    ) -> Result<Response<api::ReleaseViewersResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, async {
            let request = request.into_inner();
            let gateway = convert::gateway(request.gateway)?;
            self.leases.release(&gateway, &leases(request.leases)?).await?;
            Ok(api::ReleaseViewersResponse {})
        })
        .await
    }

    async fn resolve_recording(
        &self,
        request: Request<api::ResolveRecordingRequest>,
    ) -> Result<Response<api::ResolveRecordingResponse>, Status> {
        let caller = Caller::of(&request)?;
        answer(&caller, self.resolve(request.into_inner())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_rule() {
        let proto = include_str!("../../../../proto/airwave/stream/v1/stream.proto");
        let methods: Vec<_> = proto
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc ")?.split_once('('))
            .map(|(name, _)| name)
            .collect();
        let ruled: Vec<_> = CALLERS.iter().map(|(name, _)| *name).collect();
        assert_eq!(methods, ruled);
    }

    #[test]
    fn the_owner_alone_owns_and_admins_manage() {
        let actor = |id, role| Actor {
            id: UserId(id),
            role,
            username: String::new(),
        };
        assert!(actor(1, Role::User).manages()(UserId(1)).is_ok());
        assert!(actor(2, Role::Moderator).manages()(UserId(1)).is_err());
        assert!(actor(2, Role::Admin).manages()(UserId(1)).is_ok());
        assert!(actor(2, Role::Admin).owns()(UserId(1)).is_err());
    }
}
