//! The environment of one test: its own database, virtual host, queue and followers, and any number of replicas.

use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use identity::ServiceName;
use notification::{App, Config, MIGRATIONS};
use primitives::{Clock, Role, UserId};
use proto::PeerChannel;
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message;
use proto::events::v1::{NotificationsRead, StreamStarted, UsersNotified};
use proto::notification::v1::notification_service_client::NotificationServiceClient;
use storage::deadpool_redis::redis::cmd;
use storage::{AsyncPgConnection, DatabaseConfig, Redis};
use testkit::peers::FakeAuth;
use testkit::{Outbox, RealtimeLog, peer};
use uuid::Uuid;

pub(crate) use testkit::TIMEOUT;

pub(crate) type Replica = testkit::Replica<App>;

pub(crate) struct World {
    pub(crate) kit: testkit::World,
    pub(crate) auth: FakeAuth,
    pub(crate) redis: Redis,
    pub(crate) pushed: RealtimeLog,
    database: DatabaseConfig,
    outbox: Outbox,
}

impl World {
    pub(crate) async fn new() -> Self {
        let kit = testkit::World::new().await;
        let database = kit.database("notification", MIGRATIONS).await;
        Self {
            auth: kit.peers.auth.clone(),
            redis: Redis::connect(&kit.redis).unwrap(),
            pushed: RealtimeLog::listen(&kit.bus, &[bus::Realtime::USERS]).await,
            outbox: Outbox::start(&database, &kit.bus),
            database,
            kit,
        }
    }

    /// Starts a replica and waits until it serves.
    pub(crate) async fn replica(&self, change: impl FnOnce(&mut Config)) -> Replica {
        let (kit, database) = (&self.kit, self.database.clone());
        let mut config = Config::for_testing(database, kit.redis.clone(), kit.bus.clone(), kit.peers.addr);
        change(&mut config);
        let service = notification::build(config, Clock::system()).await.unwrap();
        let replica = Replica::start(service, |s| (s.app.clone(), &s.chassis), notification::run);
        replica.ready().await
    }

    pub(crate) async fn emit(&self, payload: Payload, aggregate: i64, version: i64) -> Uuid {
        self.outbox.emit(payload, aggregate, version).await
    }

    /// Publishes an event under a given id, possibly one that was published before.
    pub(crate) async fn emit_again(&self, id: Uuid, key: &'static str, payload: Payload) {
        use prost::Message as _;
        let event = proto::events::v1::Event {
            id: id.to_string(),
            aggregate_id: 1,
            version: 1,
            occurred_at: Some(std::time::SystemTime::now().into()),
            payload: Some(payload),
        };
        let send = async move |conn: &mut AsyncPgConnection| {
            diesel::sql_query(
                "INSERT INTO outbox (id, routing_key, payload, headers) VALUES ($1, $2, $3, '{}')",
            )
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(key)
            .bind::<diesel::sql_types::Binary, _>(event.encode_to_vec())
            .execute(conn)
            .await?;
            Ok::<_, storage::Error>(())
        };
        self.outbox.database.transaction(send).await.unwrap();
    }

    pub(crate) async fn count(&self, query: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let query = query.to_owned();
        let count = async move |conn: &mut AsyncPgConnection| {
            Ok::<Count, storage::Error>(diesel::sql_query(query).get_result(conn).await?)
        };
        self.outbox.database.read(count).await.unwrap().count
    }

    /// Waits until a count has the expected value.
    pub(crate) async fn counted(&self, query: &str, expected: i64) {
        let wait = stack::eventually(TIMEOUT, query, async || match self.count(query).await {
            count if count == expected => Ok(()),
            count => Err(format!("{count} instead of {expected}")),
        });
        wait.await.unwrap();
    }

    /// Deletes the test's own keys in Redis. Returns how many.
    pub(crate) async fn empty_redis(&self) -> usize {
        let mut connection = self.redis.connection();
        let pattern = format!("{}:*", self.kit.redis.redis_prefix);
        let keys: Vec<String> = cmd("KEYS")
            .arg(pattern)
            .query_async(&mut connection)
            .await
            .unwrap();
        if !keys.is_empty() {
            cmd("DEL")
                .arg(&keys)
                .query_async::<()>(&mut connection)
                .await
                .unwrap();
        }
        keys.len()
    }

    /// The pushed notifications, one message per page of users.
    pub(crate) fn pushed_pages(&self) -> Vec<UsersNotified> {
        self.pushed.all(|message| match message {
            Message::UsersNotified(page) => Some(page.clone()),
            _ => None,
        })
    }

    /// The pushed read messages.
    pub(crate) fn read(&self) -> Vec<NotificationsRead> {
        self.pushed.all(|message| match message {
            Message::NotificationsRead(read) => Some(read.clone()),
            _ => None,
        })
    }

    /// How many notifications were pushed to each user.
    pub(crate) fn pushes(&self) -> std::collections::BTreeMap<i64, usize> {
        let mut times = std::collections::BTreeMap::new();
        for user in self.pushed_pages().iter().flat_map(|page| &page.users) {
            *times.entry(user.user_id).or_default() += 1;
        }
        times
    }

    /// A client that calls as the gateway, on behalf of a user.
    pub(crate) fn client(&self, replica: &Replica, user: i64) -> NotificationServiceClient<PeerChannel> {
        let token = self.kit.issuer.token(UserId(user), "lan", Role::User);
        self.client_with(replica, ServiceName::Gateway, Some(token))
    }

    pub(crate) fn client_with(
        &self,
        replica: &Replica,
        service: ServiceName,
        user_token: Option<String>,
    ) -> NotificationServiceClient<PeerChannel> {
        let peer = peer(replica.app.grpc_addr, service, Clock::system());
        NotificationServiceClient::new(peer.with(&testkit::context(user_token)))
    }
}

/// The event that streamer 1 went live with stream 7.
pub(crate) fn live(broadcast: i64) -> Payload {
    Payload::StreamStarted(StreamStarted {
        stream_id: 7,
        user_id: 1,
        broadcast_id: broadcast,
        title: "Chess".to_owned(),
        username: "lan".to_owned(),
        display_name: "Lan".to_owned(),
    })
}
