//! The clients of the other services. A call carries a [`CallContext`]: deadline, user, request id.

use identity::ServiceTokens;
use primitives::Error;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::notification::v1::notification_service_client::NotificationServiceClient;
use proto::stream::v1::stream_service_client::StreamServiceClient;
use proto::vod::v1::vod_service_client::VodServiceClient;
use proto::{CallContext, Peer, PeerChannel, error_from_status};
use runtime::PeerUrl;
use tonic::{Response, Status};

use crate::config::PeersConfig;

/// Channels to the five services. Clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    auth: Peer,
    stream: Peer,
    vod: Peer,
    vod_uploads: Peer,
    chat: Peer,
    notification: Peer,
}

impl Peers {
    pub(crate) fn new(config: &PeersConfig, tokens: &ServiceTokens) -> Self {
        let peer = |url: &PeerUrl| Peer::new(url.uri(), tokens.clone());
        Self {
            auth: peer(&config.auth_url),
            stream: peer(&config.stream_url),
            vod: peer(&config.vod_url),
            vod_uploads: Peer::for_uploads(config.vod_url.uri(), tokens.clone()),
            chat: peer(&config.chat_url),
            notification: peer(&config.notification_url),
        }
    }

    /// The auth service itself, for the synchronisation of keys and revocations.
    pub(crate) fn auth_peer(&self) -> &Peer {
        &self.auth
    }

    pub(crate) fn auth(&self, context: &CallContext) -> AuthServiceClient<PeerChannel> {
        AuthServiceClient::new(self.auth.with(context))
    }

    pub(crate) fn stream(&self, context: &CallContext) -> StreamServiceClient<PeerChannel> {
        StreamServiceClient::new(self.stream.with(context))
    }

    pub(crate) fn vod(&self, context: &CallContext) -> VodServiceClient<PeerChannel> {
        VodServiceClient::new(self.vod.with(context))
    }

    /// A client for calls that carry a video, with a connection of its own.
    pub(crate) fn vod_uploads(&self, context: &CallContext) -> VodServiceClient<PeerChannel> {
        VodServiceClient::new(self.vod_uploads.with(context))
    }

    pub(crate) fn chat(&self, context: &CallContext) -> ChatServiceClient<PeerChannel> {
        ChatServiceClient::new(self.chat.with(context))
    }

    pub(crate) fn notification(&self, context: &CallContext) -> NotificationServiceClient<PeerChannel> {
        NotificationServiceClient::new(self.notification.with(context))
    }
}

/// Unwraps the result of a call.
pub(crate) trait Answer<T> {
    /// Returns the message, or the error of the peer.
    fn answer(self) -> Result<T, Error>;
}

impl<T> Answer<T> for Result<Response<T>, Status> {
    fn answer(self) -> Result<T, Error> {
        self.map(Response::into_inner)
            .map_err(|status| error_from_status(&status))
    }
}

/// Returns a part that the peer always sends.
pub(crate) fn present<T>(part: Option<T>, what: &'static str) -> Result<T, Error> {
    part.ok_or_else(|| {
        tracing::error!(what, "a peer's answer is incomplete");
        Error::internal()
    })
}
