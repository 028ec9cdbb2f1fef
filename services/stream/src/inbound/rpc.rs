//! The gRPC API. Each call parses the request, authorises the caller, makes one store call and converts the
//! result.

mod convert;
mod leases;
mod service;
mod uploads;

use identity::ServiceName;
use primitives::{Role, UserId};
use proto::stream::v1 as api;
use proto::time::timestamp;
use proto::{Caller, IntoStatus, page};
use tonic::{Response, Status};

use crate::app::App;
use crate::domain::{RecordingName, may_manage};
use crate::error::{Error, Result};
use crate::outbound::media_node::MediaNodes;
use crate::store::Store;
use crate::store::leases::Leases;
use crate::store::streams::{StreamFilter, StreamView, Totals};

/// The services that may call each method.
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
    ("CreateCategory", &[ServiceName::Gateway]),
    ("UpdateCategory", &[ServiceName::Gateway]),
    ("DeleteCategory", &[ServiceName::Gateway]),
    ("CategorySnapshot", &[ServiceName::Vod]),
    ("GetRoom", &[ServiceName::Gateway, ServiceName::Chat]),
    ("RenewViewers", &[ServiceName::Gateway]),
    ("ReleaseViewers", &[ServiceName::Gateway]),
    ("ResolveRecording", &[ServiceName::Vod]),
];

#[derive(Debug, Clone)]
pub struct Rpc {
    pub store: Store,
    pub leases: Leases,
    pub nodes: MediaNodes,
    /// For the encoder's server field.
    pub rtmp_url: String,
    pub totals: Totals,
}

impl Rpc {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            store: app.store.clone(),
            leases: app.leases.clone(),
            nodes: app.nodes.clone(),
            rtmp_url: app.config.stream_rtmp_url.clone(),
            totals: Totals::default(),
        }
    }
}

/// The user on whose behalf a call is made.
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

    /// Authorises the owner and admins.
    fn require_manager(&self) -> impl FnOnce(UserId) -> Result<()> + Send + 'static {
        let (id, role) = (self.id, self.role);
        move |owner| {
            if may_manage(id, role, owner) {
                Ok(())
            } else {
                Err(Error::NotOwner)
            }
        }
    }

    fn require_admin(&self) -> Result<()> {
        if self.role == Role::Admin {
            Ok(())
        } else {
            Err(Error::AdminOnly)
        }
    }

    /// Authorises the owner only, since the key is returned.
    fn require_owner(&self) -> impl FnOnce(UserId) -> Result<()> + Send + 'static {
        let id = self.id;
        move |owner| if id == owner { Ok(()) } else { Err(Error::NotOwner) }
    }
}

impl Rpc {
    /// Converts a stream. Includes the key if `user` is the owner.
    fn stream_message(&self, view: StreamView, user: Option<UserId>) -> Result<api::Stream> {
        let key = match user {
            Some(user) if user.0 == view.stream.user_id => {
                Some(self.store.stream_key(&view.stream)?.reveal())
            }
            _ => None,
        };
        Ok(convert::stream(view, key, &self.nodes))
    }

    async fn list(&self, request: api::ListStreamsRequest) -> Result<api::ListStreamsResponse> {
        let page = page::parse(request.page)?;
        let filter = StreamFilter {
            status: convert::status(request.status)?,
            category: request.category_id.map(convert::category_id).transpose()?,
            owner: request.user_id.map(convert::user_id).transpose()?,
            owners: request.owners.map(convert::owners).transpose()?,
            username: request.username,
            tag: request.tag.as_deref().map(convert::tag).transpose()?,
            patterns: convert::patterns(request.query.as_deref())?,
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
            page: Some(page::info(page.info)),
        })
    }

    async fn broadcasts(
        &self,
        request: api::ListBroadcastsRequest,
        user: Option<UserId>,
    ) -> Result<api::ListBroadcastsResponse> {
        let stream = convert::stream_id(request.stream_id)?;
        let page = page::parse(request.page)?;
        let (rows, mut samples, info) = self.store.broadcast_list(stream, page).await?;
        let owner = match rows.first() {
            Some(row) => row.user_id,
            None => self.store.stream(stream).await?.stream.user_id,
        };
        let rejections = match user {
            Some(user) if user.0 == owner => self.store.publish_rejection_list(stream).await?,
            _ => Vec::new(),
        };
        Ok(api::ListBroadcastsResponse {
            broadcasts: rows
                .into_iter()
                .map(|row| {
                    let samples = samples.remove(&row.id).unwrap_or_default();
                    convert::broadcast(row, samples)
                })
                .collect(),
            page: Some(page::info(info)),
            rejections: rejections
                .into_iter()
                .map(|row| api::PublishRejection {
                    at: Some(timestamp(row.refused_at)),
                    reason: row.reason.as_str().to_owned(),
                })
                .collect(),
        })
    }

    /// Falls back to the last stored viewer count if Redis is unavailable.
    async fn room(&self, request: api::GetRoomRequest) -> Result<api::GetRoomResponse> {
        let id = convert::stream_id(request.stream_id)?;
        let stream = self.store.stream(id).await?.stream;
        let viewer_count = match self.leases.count(id).await {
            Ok(count) => count,
            Err(error) => {
                tracing::warn!(%error, "failed to count viewers, using the stored count");
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

/// Runs `work` within the deadline of the caller.
async fn respond<T>(caller: &Caller, work: impl Future<Output = Result<T>>) -> Result<Response<T>, Status> {
    match tokio::time::timeout_at(caller.deadline, work).await {
        Ok(Ok(response)) => Ok(Response::new(response)),
        Ok(Err(error)) => Err(error.into_status()),
        Err(_) => Err(primitives::Error::unavailable().into_status()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_callers() {
        let proto = include_str!("../../../../proto/airwave/stream/v1/stream.proto");
        let methods: Vec<_> = proto
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc ")?.split_once('('))
            .map(|(name, _)| name)
            .collect();
        let listed: Vec<_> = CALLERS.iter().map(|(name, _)| *name).collect();
        assert_eq!(methods, listed);
    }

    #[test]
    fn admins_manage_but_do_not_own() {
        let actor = |id, role| Actor {
            id: UserId(id),
            role,
            username: String::new(),
        };
        assert!(actor(1, Role::User).require_manager()(UserId(1)).is_ok());
        assert!(actor(2, Role::Moderator).require_manager()(UserId(1)).is_err());
        assert!(actor(2, Role::Admin).require_manager()(UserId(1)).is_ok());
        assert!(actor(2, Role::Admin).require_owner()(UserId(1)).is_err());
    }
}
