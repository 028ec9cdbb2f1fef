//! What each test has for itself: a MongoDB database, a virtual host, a key prefix, peers, and any number of
//! replicas.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bus::{Bus, RealtimeHeard, RealtimeSubscriber};
use chat::config::{TEST_SECRET, TestServers};
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

/// Long enough for a busy machine, and never waited for in full by a test that passes.
pub(crate) const SOON: Duration = Duration::from_secs(40);
/// A stream that is live, and its owner.
pub(crate) const LIVE: i64 = 7;
pub(crate) const OWNER: i64 = 1;

pub(crate) struct World {
    pub(crate) servers: TestServers,
    pub(crate) peers: Peers,
    pub(crate) issuer: TestIssuer,
    pub(crate) mongo: Mongo,
    /// Realtime messages of the live room as they came.
    pub(crate) heard: Arc<Mutex<Vec<Realtime>>>,
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
        let heard = listen(&servers.amqp_url).await;
        Self {
            servers,
            peers,
            issuer,
            mongo,
            heard,
        }
    }

    /// Starts a replica, and waits until it serves.
    pub(crate) async fn replica(&self, change: impl FnOnce(&mut Config)) -> Replica {
        let mut config = Config::for_testing(self.servers.clone());
        change(&mut config);
        let service = chat::build(config).await.unwrap();
        let app = service.app.clone();
        let shutdown = Shutdown::new(Duration::from_secs(10));
        let task = tokio::spawn(chat::run(service, shutdown.clone()));
        let ready = stack::eventually(SOON, "the service", async || {
            app.indexed.load(std::sync::atomic::Ordering::Relaxed)
                && app.verifier.is_ready()
                && app.bus.is_connected()
        });
        ready.await.unwrap();
        Replica { app, shutdown, task }
    }

    /// A replica whose users may speak as fast as they can.
    pub(crate) async fn fast_replica(&self) -> Replica {
        self.replica(|config| (config.chat_rate_burst, config.chat_rate_seconds) = (1000, 1))
            .await
    }

    /// A way to MongoDB that a test can look at.
    pub(crate) async fn proxy(&self) -> Proxy {
        let (_, rest) = self.servers.mongodb_url.split_once("://").unwrap();
        let server = rest.split(['/', '?']).next().unwrap();
        Proxy::before(server.rsplit('@').next().unwrap().to_owned()).await
    }

    /// A fast replica on that way, which may take as many connections as it likes.
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
        let tokens = ServiceTokens::new(&TEST_SECRET.into(), None, service, Clock::system());
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

    /// Publishes an event as a service's relay does, until it is taken.
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
        let taken = stack::eventually(SOON, "a queue for the event", async || {
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
        taken.await.unwrap();
    }

    /// The messages that were announced, as they came.
    pub(crate) fn posted(&self) -> Vec<Message> {
        let heard = self.heard.lock().unwrap();
        let posted = heard.iter().filter_map(|heard| match heard {
            Realtime::ChatMessagesPosted(posted) => Some(posted.messages.clone()),
            _ => None,
        });
        posted.flatten().collect()
    }

    /// What the room is told, until one fits.
    pub(crate) async fn hears<T>(&self, what: &str, fits: impl Fn(&Realtime) -> Option<T>) -> T {
        let heard = stack::eventually(SOON, what, async || {
            self.heard.lock().unwrap().iter().find_map(&fits)
        });
        heard.await.unwrap()
    }

    /// Documents of a room in a collection.
    pub(crate) async fn count(&self, collection: &str, stream: i64) -> u64 {
        let all = self.mongo.database().collection::<Document>(collection);
        let id = stream.to_string();
        all.count_documents(doc! { "$or": [{ "streamId": &id }, { "_id": &id }] })
            .await
            .unwrap()
    }

    /// Every message of a room as MongoDB has it, by number.
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
    pub(crate) async fn say(&self, text: &str) -> Result<Message, Status> {
        self.say_in(LIVE, text, None).await
    }

    pub(crate) async fn say_in(
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

    /// Says a message as a client does: again, with the same id, until it is answered.
    pub(crate) async fn say_until_heard(&self, stream: i64, text: &str, id: &str) -> Message {
        let began = Instant::now();
        loop {
            match self.say_in(stream, text, Some(id)).await {
                Ok(sent) => return sent,
                Err(status) => assert!(began.elapsed() < SOON, "{status}"),
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
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    tokio::spawn(async move {
        let _bus = bus;
        while let Some(next) = subscriber.next().await {
            if let RealtimeHeard::Message { message, .. } = next {
                hearing.lock().unwrap().push(message);
            }
        }
    });
    heard
}
