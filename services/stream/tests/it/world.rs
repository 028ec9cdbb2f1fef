//! The environment of one test: a database, a virtual host, a key prefix, a media node, and any number of
//! replicas.

use identity::ServiceName;
use primitives::{Clock, IdempotencyKey, Role, UserId};
use proto::events::v1::event::Payload;
use proto::stream::v1::stream_service_client::StreamServiceClient;
use proto::stream::v1::{
    CreateStreamRequest, GetStreamRequest, ListBroadcastsRequest, ListBroadcastsResponse, Stream,
};
use proto::upload::messages;
use proto::{CallContext, PeerChannel};
use secrecy::ExposeSecret;
use stack::{MediaNode, Publisher, eventually};
use stream::{App, Config};
use testkit::{EventLog, peer};

pub(crate) use testkit::TIMEOUT;

pub(crate) const NODE: &str = "main";
pub(crate) const ANNA: UserId = UserId(7);
pub(crate) const BOB: UserId = UserId(8);

pub(crate) type Replica = testkit::Replica<App>;

pub(crate) struct World {
    pub(crate) kit: testkit::World,
    pub(crate) config: Config,
    pub(crate) node: MediaNode,
    pub(crate) replica: Replica,
    pub(crate) events: EventLog,
}

/// Starts a replica without waiting until it is ready.
pub(crate) async fn start(config: &Config) -> Replica {
    let service = stream::build(config.clone(), Clock::system()).await.unwrap();
    Replica::start(service, |s| (s.app.clone(), &s.chassis), stream::run)
}

impl World {
    /// Starts the service and a media node.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let kit = testkit::World::new().await;
        let mut config = config(&kit).await;
        let secret = config.stream_hook_secret.expose_secret();
        let mut node = kit.stack.media_node(NODE, secret).unwrap();
        let address = format!("{NODE}={}|{}", node.control_url(), node.media_url());
        config.stream_media_nodes = vec![address.parse().unwrap()];
        change(&mut config);
        let events = EventLog::listen(&kit.bus, &["stream.*", "recording.*", "user.*"]).await;
        let replica = start(&config).await;
        node.start(&replica.app.hooks_addr.to_string()).await.unwrap();
        Self {
            replica: replica.ready().await,
            kit,
            config,
            node,
            events,
        }
    }

    /// Returns a client that calls as the gateway, on behalf of a user.
    pub(crate) fn call(&self, user: UserId) -> StreamServiceClient<PeerChannel> {
        self.call_as(Some((user, Role::User)), ServiceName::Gateway)
    }

    /// Returns a client that sends an idempotency key.
    pub(crate) fn call_with_key(
        &self,
        user: UserId,
        idempotency_key: &str,
    ) -> StreamServiceClient<PeerChannel> {
        self.call_in(
            ServiceName::Gateway,
            &CallContext {
                idempotency_key: IdempotencyKey::parse(idempotency_key),
                ..testkit::context(Some(self.kit.token(user, Role::User)))
            },
        )
    }

    pub(crate) fn admin(&self) -> StreamServiceClient<PeerChannel> {
        self.call_as(Some((UserId(1), Role::Admin)), ServiceName::Gateway)
    }

    pub(crate) fn call_as(
        &self,
        user: Option<(UserId, Role)>,
        service: ServiceName,
    ) -> StreamServiceClient<PeerChannel> {
        let token = user.map(|(id, role)| self.kit.token(id, role));
        self.call_in(service, &testkit::context(token))
    }

    fn call_in(&self, service: ServiceName, context: &CallContext) -> StreamServiceClient<PeerChannel> {
        let peer = peer(self.replica.app.grpc_addr, service, Clock::system());
        StreamServiceClient::new(peer.with(context))
    }

    /// Creates a stream of Anna. Returns its id and key.
    pub(crate) async fn create(&self) -> (i64, String) {
        let request = CreateStreamRequest {
            title: "A title".into(),
            ..CreateStreamRequest::default()
        };
        let stream = self
            .call(ANNA)
            .create_stream(messages(&[], request))
            .await
            .unwrap()
            .into_inner()
            .stream
            .unwrap();
        (stream.id, stream.stream_key.unwrap())
    }

    pub(crate) async fn try_stream(&self, user: UserId, id: i64) -> Result<Stream, tonic::Status> {
        let answer = self.call(user).get_stream(GetStreamRequest { id }).await?;
        Ok(answer.into_inner().stream.unwrap())
    }

    pub(crate) async fn stream(&self, id: i64) -> Stream {
        self.try_stream(ANNA, id).await.unwrap()
    }

    pub(crate) async fn broadcasts(&self, stream_id: i64) -> ListBroadcastsResponse {
        let request = ListBroadcastsRequest {
            stream_id,
            page: None,
        };
        self.call(ANNA)
            .list_broadcasts(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Returns the reasons of publish rejections, newest first.
    pub(crate) async fn rejections(&self, stream_id: i64) -> Vec<String> {
        self.broadcasts(stream_id)
            .await
            .rejections
            .into_iter()
            .map(|rejection| rejection.reason)
            .collect()
    }

    /// Starts an encoder.
    pub(crate) async fn publish(&self, key: &str) -> Publisher {
        Publisher::start(&format!("{}/{key}", self.node.rtmp_url()))
            .await
            .unwrap()
    }

    /// Starts an encoder and waits until its stream is live.
    pub(crate) async fn go_live(&self, id: i64, key: &str) -> Publisher {
        let publisher = self.publish(key).await;
        self.until_live(id, true).await;
        publisher
    }

    pub(crate) async fn until_live(&self, id: i64, live: bool) {
        let wanted = if live {
            proto::stream::v1::StreamStatus::Live
        } else {
            proto::stream::v1::StreamStatus::Ended
        };
        eventually(TIMEOUT, &format!("stream {id} to be {wanted:?}"), async || {
            self.stream(id).await.status() == wanted
        })
        .await
        .unwrap();
    }

    pub(crate) async fn sql(&self) -> tokio_postgres::Client {
        testkit::sql(&self.config.database).await
    }

    /// Sends a hook as the node's nginx would. Returns the status.
    pub(crate) async fn hook(&self, boot_id: &str, call: &str, body: &str) -> u16 {
        let url = format!(
            "http://{}/internal/rtmp/{NODE}/{boot_id}/{call}",
            self.replica.app.hooks_addr
        );
        let secret = self.config.stream_hook_secret.expose_secret();
        let request = reqwest::Client::new()
            .post(url)
            .bearer_auth(secret)
            .body(body.to_owned());
        request.send().await.unwrap().status().as_u16()
    }
}

async fn config(kit: &testkit::World) -> Config {
    let database = kit.database("stream", stream::MIGRATIONS).await;
    let mut config = Config::for_testing(database, kit.redis.clone(), kit.bus.clone(), kit.bucket());
    config.auth_url = kit.peers.addr.into();
    config
}

pub(crate) fn started(payload: &Payload) -> Option<proto::events::v1::StreamStarted> {
    match payload {
        Payload::StreamStarted(started) => Some(started.clone()),
        _ => None,
    }
}

pub(crate) fn ended(payload: &Payload) -> Option<proto::events::v1::StreamEnded> {
    match payload {
        Payload::StreamEnded(ended) => Some(ended.clone()),
        _ => None,
    }
}

pub(crate) fn recorded(payload: &Payload) -> Option<proto::events::v1::RecordingFinished> {
    match payload {
        Payload::RecordingFinished(finished) => Some(finished.clone()),
        _ => None,
    }
}
