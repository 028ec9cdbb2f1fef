//! The environment of one test: its own MongoDB database, virtual host, key prefix and peers, and any number of
//! replicas.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bus::{Bus, RealtimeHeard, RealtimeSubscriber};
use chat::config::TestServers;
use chat::{App, Config};
use futures::TryStreamExt;
use identity::{ServiceName, ServiceTokens, TestIssuer};
use mongodb::bson::{Document, doc};
use primitives::{Clock, Role, UserId};
use prost::Message as _;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::chat::v1::{
    ListMessagesRequest, ListMessagesResponse, Message, SendMessageRequest, list_messages_request,
};
use proto::events::v1::Event;
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message as Realtime;
use proto::{CallContext, Peer, PeerChannel};
use runtime::Shutdown;
use storage::{Mongo, MongoConfig};
use tokio::task::JoinHandle;
use tonic::Status;

use crate::peers::Peers;
use crate::proxy::Proxy;

/// Generous for a busy machine; a passing test never waits this long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(40);
/// A live stream.
pub(crate) const LIVE: i64 = 7;
pub(crate) const OWNER: i64 = 1;

pub(crate) struct World {
    pub(crate) servers: TestServers,
    pub(crate) peers: Peers,
    pub(crate) issuer: TestIssuer,
    pub(crate) mongo: Mongo,
    /// The realtime messages of the live room, in order.
    pub(crate) received: Arc<Mutex<Vec<Realtime>>>,
}

pub(crate) struct Replica {
    pub(crate) app: Arc<App>,
    pub(crate) shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        runtime::install_tls_provider();
        let stack = stack::shared().await.unwrap();
        let issuer = TestIssuer::new();
        let peers = Peers::new(issuer.key_set());
        peers.room(LIVE, OWNER, true, 1);
        let servers = TestServers {
            mongodb_url: stack.mongodb_url.clone(),
            mongodb_database: stack.mongo_database(),
            redis_url: stack.redis_url.clone(),
            redis_prefix: stack.redis_prefix(),
            amqp_url: stack.vhost().await.unwrap(),
            peers: peers.serve().await,
        };
        let mongo = MongoConfig::new(&servers.mongodb_url, &servers.mongodb_database);
        let mongo = Mongo::connect(&mongo, "test").await.unwrap();
        let received = listen(&servers.amqp_url).await;
        Self {
            servers,
            peers,
            issuer,
            mongo,
            received,
        }
    }

    /// Starts a replica and waits until it serves.
    pub(crate) async fn replica(&self, change: impl FnOnce(&mut Config)) -> Replica {
        let mut config = Config::for_testing(self.servers.clone());
        change(&mut config);
        let service = chat::build(config, Clock::system()).await.unwrap();
        let (app, health) = (service.app.clone(), service.chassis.process.health.clone());
        let shutdown = Shutdown::new(Duration::from_secs(10));
        let task = tokio::spawn(chat::run(service, shutdown.clone()));
        let ready = stack::eventually(TIMEOUT, "the service", async || {
            health.is_ready().await && app.bus.is_connected()
        });
        ready.await.unwrap();
        Replica { app, shutdown, task }
    }

    /// Starts a replica with a rate limit that tests do not reach.
    pub(crate) async fn fast_replica(&self) -> Replica {
        self.replica(|config| (config.chat_rate_burst, config.chat_rate_seconds) = (1000, 1))
            .await
    }

    /// Starts a proxy to MongoDB.
    pub(crate) async fn proxy(&self) -> Proxy {
        let (_, rest) = self.servers.mongodb_url.split_once("://").unwrap();
        let server = rest.split(['/', '?']).next().unwrap();
        Proxy::before(server.rsplit('@').next().unwrap().to_owned()).await
    }

    /// Starts a fast replica behind the proxy, with a large connection pool.
    pub(crate) async fn replica_behind(&self, proxy: &Proxy) -> Replica {
        let replica = self.replica(|config| {
            config.mongo.mongodb_url = proxy.url().into();
            config.mongo.mongodb_pool_size = 64;
            (config.chat_rate_burst, config.chat_rate_seconds) = (1000, 1);
        });
        replica.await
    }

    pub(crate) fn client(&self, replica: &Replica, user: i64, role: Role) -> Client {
        let token = self.issuer.token(UserId(user), &format!("user{user}"), role);
        self.client_with(replica, ServiceName::Gateway, Some(token))
    }

    pub(crate) fn client_with(
        &self,
        replica: &Replica,
        service: ServiceName,
        user_token: Option<String>,
    ) -> Client {
        let tokens = ServiceTokens::new(
            &runtime::TEST_SERVICE_SECRET.into(),
            None,
            service,
            Clock::system(),
        );
        let peer = Peer::new(
            format!("http://{}", replica.app.grpc_addr).parse().unwrap(),
            tokens,
        );
        let context = CallContext {
            user_token,
            ..CallContext::background(Duration::from_secs(30))
        };
        Client {
            rpc: ChatServiceClient::new(peer.with(&context)),
        }
    }

    /// Publishes an event as a relay does, until a queue takes it.
    pub(crate) async fn publish(&self, key: &str, payload: Payload, version: i64) {
        let event = Event {
            id: uuid::Uuid::now_v7().to_string(),
            aggregate_id: 1,
            version,
            occurred_at: Some(SystemTime::now().into()),
            payload: Some(payload),
        };
        let body = event.encode_to_vec();
        let connection =
            lapin::Connection::connect(&self.servers.amqp_url, lapin::ConnectionProperties::default());
        let channel = connection.await.unwrap().create_channel().await.unwrap();
        channel
            .confirm_select(lapin::options::ConfirmSelectOptions::default())
            .await
            .unwrap();
        let routed = stack::eventually(TIMEOUT, "a queue for the event", async || {
            let options = lapin::options::BasicPublishOptions {
                mandatory: true,
                ..Default::default()
            };
            let properties = lapin::BasicProperties::default().with_message_id(event.id.clone().into());
            let exchange = "airwave.events".into();
            let confirm = channel
                .basic_publish(exchange, key.into(), options, &body, properties)
                .await
                .unwrap();
            confirm.await.unwrap().take_message().is_none()
        });
        routed.await.unwrap();
    }

    /// The announced chat messages, in order.
    pub(crate) fn posted(&self) -> Vec<Message> {
        let received = self.received.lock().unwrap();
        let posted = received.iter().filter_map(|message| match message {
            Realtime::ChatMessagesPosted(posted) => Some(posted.messages.clone()),
            _ => None,
        });
        posted.flatten().collect()
    }

    /// Waits for a realtime message that `select` accepts.
    pub(crate) async fn wait_for_realtime<T>(
        &self,
        what: &str,
        select: impl Fn(&Realtime) -> Option<T>,
    ) -> T {
        let selected = stack::eventually(TIMEOUT, what, async || {
            self.received.lock().unwrap().iter().find_map(&select)
        });
        selected.await.unwrap()
    }

    /// Counts the documents of a room in a collection.
    pub(crate) async fn count(&self, collection: &str, stream: i64) -> u64 {
        let all = self.mongo.database().collection::<Document>(collection);
        let id = stream.to_string();
        all.count_documents(doc! { "$or": [{ "streamId": &id }, { "_id": &id }] })
            .await
            .unwrap()
    }

    /// Every stored message of a room, by sequence number.
    pub(crate) async fn stored(&self, stream: i64) -> Vec<Document> {
        let messages = self.mongo.database().collection::<Document>("messages");
        let found = messages
            .find(doc! { "streamId": stream.to_string() })
            .sort(doc! { "seq": 1 })
            .await
            .unwrap();
        found.try_collect().await.unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) rpc: ChatServiceClient<PeerChannel>,
}

impl Client {
    pub(crate) async fn send(&self, text: &str) -> Result<Message, Status> {
        self.send_in(LIVE, text, None).await
    }

    pub(crate) async fn send_in(
        &self,
        stream: i64,
        text: &str,
        client_id: Option<&str>,
    ) -> Result<Message, Status> {
        let request = SendMessageRequest {
            stream_id: stream,
            message: text.to_owned(),
            client_message_id: client_id.map(str::to_owned),
        };
        Ok(self
            .rpc
            .clone()
            .send_message(request)
            .await?
            .into_inner()
            .message
            .unwrap())
    }

    /// Sends a message as a client does, with retries under the same id.
    pub(crate) async fn send_with_retries(&self, stream: i64, text: &str, id: &str) -> Message {
        let started = Instant::now();
        loop {
            match self.send_in(stream, text, Some(id)).await {
                Ok(sent) => return sent,
                Err(status) => assert!(started.elapsed() < TIMEOUT, "{status}"),
            }
        }
    }

    pub(crate) async fn list(
        &self,
        limit: u32,
        from: Option<list_messages_request::From>,
    ) -> ListMessagesResponse {
        let request = ListMessagesRequest {
            stream_id: LIVE,
            limit,
            from,
        };
        self.rpc
            .clone()
            .list_messages(request)
            .await
            .unwrap()
            .into_inner()
    }
}

impl Replica {
    pub(crate) async fn stop(self) {
        self.shutdown.stop();
        self.task.await.unwrap().unwrap();
    }
}

async fn listen(amqp_url: &str) -> Arc<Mutex<Vec<Realtime>>> {
    let bus = Bus::connect(&bus::BusConfig::new(amqp_url), "test").unwrap();
    let mut subscriber = RealtimeSubscriber::start(&bus, &[&bus::Realtime::stream_key(LIVE)]);
    assert!(matches!(subscriber.next().await, Some(RealtimeHeard::Connected)));
    let received = Arc::new(Mutex::new(Vec::new()));
    let receiving = received.clone();
    tokio::spawn(async move {
        let _bus = bus;
        while let Some(next) = subscriber.next().await {
            if let RealtimeHeard::Message { message, .. } = next {
                receiving.lock().unwrap().push(message);
            }
        }
    });
    received
}
