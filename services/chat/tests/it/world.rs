//! The environment of one test: its own MongoDB database, virtual host, key prefix and peers, and any number of
//! replicas.

use std::time::{Instant, SystemTime};

use chat::{App, Config};
use futures::TryStreamExt;
use identity::ServiceName;
use mongodb::bson::{Document, doc};
use primitives::{Clock, Role, UserId};
use prost::Message as _;
use proto::PeerChannel;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::chat::v1::{
    ListMessagesRequest, ListMessagesResponse, Message, SendMessageRequest, list_messages_request,
};
use proto::events::v1::Event;
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message as Realtime;
use secrecy::ExposeSecret;
use storage::{Mongo, MongoConfig};
use testkit::{Peers, RealtimeLog, peer};
use tonic::Status;

use crate::proxy::Proxy;

pub(crate) use testkit::TIMEOUT;

/// A live stream.
pub(crate) const LIVE: i64 = 7;
pub(crate) const OWNER: i64 = 1;

pub(crate) type Replica = testkit::Replica<App>;

pub(crate) struct World {
    pub(crate) kit: testkit::World,
    pub(crate) peers: Peers,
    pub(crate) mongo: Mongo,
    /// The realtime messages of the live room.
    pub(crate) received: RealtimeLog,
    mongo_config: MongoConfig,
}

impl World {
    pub(crate) async fn new() -> Self {
        let kit = testkit::World::new().await;
        kit.peers.stream.set_room(LIVE, OWNER, true, 1);
        let mongo_config = kit.mongo();
        Self {
            peers: kit.peers.clone(),
            mongo: Mongo::connect(&mongo_config, "test").await.unwrap(),
            received: RealtimeLog::listen(&kit.bus, &[&bus::Realtime::stream_key(LIVE)]).await,
            mongo_config,
            kit,
        }
    }

    /// Starts a replica and waits until it serves.
    pub(crate) async fn replica(&self, change: impl FnOnce(&mut Config)) -> Replica {
        let (kit, mongo) = (&self.kit, self.mongo_config.clone());
        let mut config = Config::for_testing(mongo, kit.redis.clone(), kit.bus.clone(), kit.peers.addr);
        change(&mut config);
        let service = chat::build(config, Clock::system()).await.unwrap();
        let replica = Replica::start(service, |s| (s.app.clone(), &s.chassis), chat::run);
        replica.ready().await
    }

    /// Starts a replica with a rate limit that tests do not reach.
    pub(crate) async fn fast_replica(&self) -> Replica {
        self.replica(|config| (config.chat_rate_burst, config.chat_rate_seconds) = (1000, 1))
            .await
    }

    /// Starts a proxy to MongoDB.
    pub(crate) async fn proxy(&self) -> Proxy {
        let (_, rest) = self.kit.stack.mongodb_url.split_once("://").unwrap();
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
        let token = self.kit.token(UserId(user), role);
        self.client_with(replica, ServiceName::Gateway, Some(token))
    }

    pub(crate) fn client_with(
        &self,
        replica: &Replica,
        service: ServiceName,
        user_token: Option<String>,
    ) -> Client {
        let peer = peer(replica.app.grpc_addr, service, Clock::system());
        Client {
            rpc: ChatServiceClient::new(peer.with(&testkit::context(user_token))),
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
        let connection = lapin::Connection::connect(
            self.kit.bus.amqp_url.expose_secret(),
            lapin::ConnectionProperties::default(),
        );
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
        let posted = self.received.all(|message| match message {
            Realtime::ChatMessagesPosted(posted) => Some(posted.messages.clone()),
            _ => None,
        });
        posted.concat()
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
