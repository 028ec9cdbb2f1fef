//! The environment of one test: its own database, virtual host, queue and followers, and any number of replicas.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::{Bus, Realtime, RealtimeHeard, RealtimeSubscriber, Relay};
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use identity::{ServiceName, ServiceTokens, TestIssuer};
use notification::config::TestServers;
use notification::{App, Config, MIGRATIONS};
use primitives::{Clock, Role, UserId};
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message;
use proto::events::v1::{NotificationsRead, StreamStarted, UsersNotified};
use proto::notification::v1::notification_service_client::NotificationServiceClient;
use proto::{CallContext, Peer, PeerChannel};
use runtime::Shutdown;
use storage::deadpool_redis::redis::cmd;
use storage::{AsyncPgConnection, Database, DatabaseConfig, Redis, RedisConfig};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::peers::Auth;

/// Generous for a busy machine; a passing test never waits this long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(40);

pub(crate) struct World {
    pub(crate) servers: TestServers,
    pub(crate) auth: Auth,
    pub(crate) issuer: TestIssuer,
    pub(crate) database: Database,
    pub(crate) redis: Redis,
    /// Received realtime messages, with their times.
    pub(crate) pushed: Arc<Mutex<Vec<(Instant, Message)>>>,
    _stop: DropGuard,
}

pub(crate) struct Replica {
    pub(crate) app: Arc<App>,
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        runtime::install_tls_provider();
        let stack = stack::shared().await.unwrap();
        let migrate = async |url: String| storage::migrate(&DatabaseConfig::new(url), MIGRATIONS).await;
        let issuer = TestIssuer::new();
        let auth = Auth::new(issuer.key_set());
        let servers = TestServers {
            database_url: stack.database("notification", migrate).await.unwrap(),
            redis_url: stack.redis_url.clone(),
            redis_prefix: stack.redis_prefix(),
            amqp_url: stack.vhost().await.unwrap(),
            auth: auth.serve().await,
        };
        let database = Database::connect(&DatabaseConfig::new(&servers.database_url)).unwrap();
        let bus = Bus::connect(&bus::BusConfig::new(&servers.amqp_url), "test").unwrap();
        let stop = CancellationToken::new();
        // The test publishes events through an outbox, like every service.
        tokio::spawn(Relay::run(database.clone(), bus.clone(), stop.clone()));
        let redis = Redis::connect(&RedisConfig::new(&servers.redis_url, &servers.redis_prefix)).unwrap();
        let pushed = listen(&bus).await;
        Self {
            servers,
            auth,
            issuer,
            database,
            redis,
            pushed,
            _stop: stop.drop_guard(),
        }
    }

    /// Starts a replica and waits until it serves.
    pub(crate) async fn replica(&self, change: impl FnOnce(&mut Config)) -> Replica {
        let mut config = Config::for_testing(self.servers.clone());
        change(&mut config);
        let service = notification::build(config, Clock::system()).await.unwrap();
        let (app, health) = (service.app.clone(), service.chassis.process.health.clone());
        let shutdown = Shutdown::new(Duration::from_secs(10));
        let task = tokio::spawn(notification::run(service, shutdown.clone()));
        let ready = stack::eventually(TIMEOUT, "the service", async || {
            self.count("SELECT count(*) FROM fanouts").await;
            health.is_ready().await && app.bus.is_connected()
        });
        ready.await.unwrap();
        Replica { app, shutdown, task }
    }

    pub(crate) async fn emit(&self, payload: Payload, aggregate: i64, version: i64) -> Uuid {
        let emit = async move |conn: &mut AsyncPgConnection| {
            Ok::<_, storage::Error>(bus::emit(conn, payload, aggregate, version).await?)
        };
        self.database.transaction(emit).await.unwrap()
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
        self.database.transaction(send).await.unwrap();
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
        self.database.read(count).await.unwrap().count
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
        let pattern = format!("{}:*", self.servers.redis_prefix);
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
        let pushed = self.pushed.lock().unwrap();
        let pages = pushed.iter().filter_map(|(_, message)| match message {
            Message::UsersNotified(page) => Some(page.clone()),
            _ => None,
        });
        pages.collect()
    }

    /// The pushed read messages.
    pub(crate) fn read(&self) -> Vec<NotificationsRead> {
        let pushed = self.pushed.lock().unwrap();
        let read = pushed.iter().filter_map(|(_, message)| match message {
            Message::NotificationsRead(read) => Some(read.clone()),
            _ => None,
        });
        read.collect()
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
        let token = self.issuer.token(UserId(user), "lan", Role::User);
        self.client_with(replica, ServiceName::Gateway, Some(token))
    }

    pub(crate) fn client_with(
        &self,
        replica: &Replica,
        service: ServiceName,
        user_token: Option<String>,
    ) -> NotificationServiceClient<PeerChannel> {
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
            ..CallContext::background(Duration::from_secs(10))
        };
        NotificationServiceClient::new(peer.with(&context))
    }
}

impl Replica {
    pub(crate) async fn stop(self) {
        self.shutdown.stop();
        self.task.await.unwrap().unwrap();
    }
}

async fn listen(bus: &Bus) -> Arc<Mutex<Vec<(Instant, Message)>>> {
    let pushed = Arc::new(Mutex::new(Vec::new()));
    let mut subscriber = RealtimeSubscriber::start(bus, &[Realtime::USERS]);
    assert!(matches!(subscriber.next().await, Some(RealtimeHeard::Connected)));
    let received = pushed.clone();
    tokio::spawn(async move {
        while let Some(next) = subscriber.next().await {
            if let RealtimeHeard::Message { message, .. } = next {
                received.lock().unwrap().push((Instant::now(), message));
            }
        }
    });
    pushed
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
