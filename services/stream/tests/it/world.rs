//! The environment of one test: a database, a virtual host, a key prefix, a media node, and any number of
//! replicas.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bucket::BucketConfig;
use bus::{Bus, BusConfig, Heard, Listener};
use identity::{ServiceName, ServiceTokens, TestIssuer};
use primitives::{Clock, IdempotencyKey, Role, UserId};
use proto::events::v1::Event;
use proto::events::v1::event::Payload;
use proto::stream::v1::stream_service_client::StreamServiceClient;
use proto::stream::v1::{
    CreateStreamRequest, GetStreamRequest, ListBroadcastsRequest, ListBroadcastsResponse, Stream,
};
use proto::upload::messages;
use proto::{CallContext, Peer, PeerChannel};
use runtime::Shutdown;
use secrecy::ExposeSecret;
use stack::{MediaNode, Publisher, Stack, eventually};
use storage::{DatabaseConfig, RedisConfig};
use stream::{App, Config};

use crate::peers::Auth;

pub(crate) const NODE: &str = "main";
pub(crate) const ANNA: UserId = UserId(7);
pub(crate) const BOB: UserId = UserId(8);
/// Generous, for slow machines.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) node: MediaNode,
    pub(crate) auth: Auth,
    pub(crate) replica: Replica,
    pub(crate) events: EventLog,
    issuer: TestIssuer,
}

/// A running instance of the service.
pub(crate) struct Replica {
    pub(crate) app: Arc<App>,
    pub(crate) shutdown: Shutdown,
}

impl Replica {
    pub(crate) async fn start(config: &Config) -> Self {
        let service = stream::build(config.clone(), Clock::system()).await.unwrap();
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let app = Arc::clone(&service.app);
        tokio::spawn(stream::run(service, shutdown.clone()));
        Self { app, shutdown }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

impl World {
    /// Starts the service and a media node.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        runtime::install_tls_provider();
        let stack = stack::shared().await.unwrap();
        let issuer = TestIssuer::new();
        let auth = Auth::new(issuer.key_set());
        let mut config = config(stack, &auth).await;
        let mut node = stack
            .media_node(NODE, config.stream_hook_secret.expose_secret())
            .unwrap();
        let address = format!("{NODE}={}|{}", node.control_url(), node.media_url());
        config.stream_media_nodes = vec![address.parse().unwrap()];
        change(&mut config);
        let events = EventLog::listen(&config.common.bus).await;
        let replica = Replica::start(&config).await;
        let hooks = replica.app.hooks_addr.to_string();
        node.start(&hooks).await.unwrap();
        let world = Self {
            config,
            node,
            auth,
            replica,
            events,
            issuer,
        };
        // The service is ready once it has migrated and has auth's keys.
        eventually(TIMEOUT, "the service", async || {
            world.try_stream(ANNA, 1).await.err().map(|e| e.code()) == Some(tonic::Code::NotFound)
        })
        .await
        .unwrap();
        world
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
        let idempotency_key = IdempotencyKey::parse(idempotency_key);
        self.call_in(Some((user, Role::User)), ServiceName::Gateway, idempotency_key)
    }

    pub(crate) fn admin(&self) -> StreamServiceClient<PeerChannel> {
        self.call_as(Some((UserId(1), Role::Admin)), ServiceName::Gateway)
    }

    pub(crate) fn call_as(
        &self,
        user: Option<(UserId, Role)>,
        service: ServiceName,
    ) -> StreamServiceClient<PeerChannel> {
        self.call_in(user, service, None)
    }

    fn call_in(
        &self,
        user: Option<(UserId, Role)>,
        service: ServiceName,
        idempotency_key: Option<IdempotencyKey>,
    ) -> StreamServiceClient<PeerChannel> {
        let secret = &self.config.common.process.service_secret.service_secret;
        let tokens = ServiceTokens::new(secret, None, service, Clock::system());
        let peer = Peer::new(
            format!("http://{}", self.replica.app.grpc_addr).parse().unwrap(),
            tokens,
        );
        let user_token = user.map(|(id, role)| self.issuer.token(id, &format!("user{id}"), role));
        StreamServiceClient::new(peer.with(&CallContext {
            user_token,
            idempotency_key,
            ..CallContext::background(TIMEOUT)
        }))
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
        let url = self.config.database.database_url.expose_secret();
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
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

async fn config(stack: &Stack, auth: &Auth) -> Config {
    let migrate = async |url: String| storage::migrate(&DatabaseConfig::new(url), stream::MIGRATIONS).await;
    let mut database = DatabaseConfig::new(stack.database("stream", migrate).await.unwrap());
    database.database_pool_size = 4;
    let redis = RedisConfig::new(&stack.redis_url, stack.redis_prefix());
    let bus = BusConfig::new(stack.vhost().await.unwrap());
    let mut config = Config::for_testing(database, redis, bus, bucket(stack));
    config.auth_url = format!("http://{}", auth.serve().await).parse().unwrap();
    config
}

fn bucket(stack: &Stack) -> BucketConfig {
    BucketConfig {
        public_endpoint: Some(stack.bucket.public_endpoint.parse().unwrap()),
        name: stack.bucket.name.clone(),
        region: stack.bucket.region.clone(),
        key_id: stack.bucket.key_id.clone(),
        secret: stack.bucket.secret.clone().into(),
        prefix: stack.bucket_prefix(),
        ..BucketConfig::for_testing(stack.bucket.endpoint.parse().unwrap())
    }
}

/// Records all events on the bus, with the times of their arrival.
pub(crate) struct EventLog {
    received: Arc<Mutex<Vec<(Instant, Event)>>>,
    pub(crate) bus: Bus,
}

impl EventLog {
    async fn listen(config: &BusConfig) -> Self {
        let bus = Bus::connect(config, "test").unwrap();
        let mut listener = Listener::start(&bus, &["stream.*", "recording.*", "user.*"]);
        let first = tokio::time::timeout(TIMEOUT, listener.next()).await.unwrap();
        assert!(matches!(first, Some(Heard::Connected)));
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        tokio::spawn(async move {
            while let Some(next) = listener.next().await {
                if let Heard::Event(event, _) = next {
                    log.lock().unwrap().push((Instant::now(), *event));
                }
            }
        });
        Self { received, bus }
    }

    /// Returns the events so far that `pick` accepts.
    pub(crate) fn all<T>(&self, mut pick: impl FnMut(&Payload) -> Option<T>) -> Vec<(Instant, T)> {
        let received = self.received.lock().unwrap();
        let mut picked = Vec::new();
        for (at, event) in received.iter() {
            picked.extend(
                event
                    .payload
                    .as_ref()
                    .and_then(&mut pick)
                    .map(|value| (*at, value)),
            );
        }
        picked
    }

    /// Waits for the first event that `pick` accepts.
    pub(crate) async fn first<T>(
        &self,
        what: &str,
        mut pick: impl FnMut(&Payload) -> Option<T>,
    ) -> (Instant, T) {
        eventually(TIMEOUT, what, async || self.all(&mut pick).into_iter().next())
            .await
            .unwrap()
    }
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
