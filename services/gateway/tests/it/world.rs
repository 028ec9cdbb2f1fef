//! What each test has for itself: a virtual host, stand-ins for the services, and a gateway.

use std::time::Duration;

use bus::{Bus, BusConfig, Realtime, Relay};
use diesel_migrations::EmbeddedMigrations;
use gateway::Config;
use identity::{ServiceName, ServiceTokens, TestIssuer, User};
use primitives::{Clock, Role, UserId};
use proto::events::v1::event::Payload;
use reqwest::{Method, RequestBuilder, StatusCode};
use runtime::{Shutdown, TEST_SERVICE_SECRET};
use secrecy::SecretString;
use serde_json::Value;
use storage::{AsyncPgConnection, Database, DatabaseConfig, RedisConfig};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::Client;
use crate::peers::{Peers, Room};

/// Long enough for a busy machine, and never waited for in full by a test that passes.
pub(crate) const SOON: Duration = Duration::from_secs(30);
static MIGRATIONS: &[EmbeddedMigrations] = &[bus::MIGRATIONS];

pub(crate) struct World {
    pub(crate) peers: Peers,
    pub(crate) issuer: TestIssuer,
    pub(crate) app: Gateway,
    pub(crate) http: reqwest::Client,
    database: Database,
    _stop: DropGuard,
}

pub(crate) struct Gateway {
    pub(crate) rest: String,
    pub(crate) socket: String,
    shutdown: Shutdown,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

/// An answer: status, headers, and the body as JSON (null when it is none).
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A gateway with other settings than the tests' own.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        runtime::install_tls_provider();
        let stack = stack::shared().await.unwrap();
        let amqp = BusConfig::new(stack.vhost().await.unwrap());
        let migrate = async |url: String| storage::migrate(&DatabaseConfig::new(url), MIGRATIONS).await;
        let url = stack.database("gateway", migrate).await.unwrap();
        let database = Database::connect(&DatabaseConfig::new(url)).unwrap();
        let bus = Bus::connect(&amqp, "test").unwrap();
        let stop = CancellationToken::new();
        // Events of the test leave through an outbox like those of every service.
        tokio::spawn(Relay::run(database.clone(), bus.clone(), stop.clone()));

        let issuer = TestIssuer::new();
        let secret = SecretString::from(TEST_SERVICE_SECRET);
        let tokens = ServiceTokens::new(&secret, None, ServiceName::Auth, Clock::system());
        let peers = Peers::new(issuer.verifier(), tokens, &issuer.key_set());
        *peers.realtime.lock().unwrap() = Some(Realtime::start(&bus));
        let redis = RedisConfig::new(&stack.redis_url, stack.redis_prefix());
        let mut config = Config::for_testing(amqp, redis, &peers.serve().await);
        change(&mut config);
        let app = Gateway::start(config).await;
        let http = reqwest::Client::builder()
            .timeout(SOON)
            .no_proxy()
            .build()
            .unwrap();
        let world = Self {
            peers,
            issuer,
            app,
            http,
            database,
            _stop: stop.drop_guard(),
        };
        world.ready(&bus).await;
        world
    }

    async fn ready(&self, bus: &Bus) {
        bus.connected().await;
        stack::eventually(SOON, "the gateway", async || {
            self.get("/readyz").await.status == StatusCode::OK
        })
        .await
        .unwrap();
    }

    /// Makes a stream.
    pub(crate) fn stream(&self, id: i64, live: bool) {
        self.peers.state().rooms.insert(id, Room { live, version: 1 });
    }

    /// Emits an event of the stream service and keeps its row in step.
    pub(crate) async fn emit(&self, payload: Payload, aggregate: i64, version: i64) {
        let emit = async move |conn: &mut AsyncPgConnection| {
            Ok::<_, storage::Error>(bus::emit(conn, payload, aggregate, version).await?)
        };
        self.database.transaction(emit).await.unwrap();
    }

    pub(crate) fn token(&self, id: i64, name: &str) -> String {
        self.issuer.token(UserId(id), name, Role::User)
    }

    pub(crate) fn user(&self, id: i64, name: &str) -> User {
        self.issuer.verifier().verify(&self.token(id, name)).unwrap()
    }

    /// A socket of a user.
    pub(crate) async fn socket(&self, id: i64, name: &str) -> Client {
        Client::connected(&self.app.socket, Some(&self.token(id, name))).await
    }

    pub(crate) async fn guest(&self) -> Client {
        Client::connected(&self.app.socket, None).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.app.rest))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn get_as(&self, path: &str, id: i64) -> Answer {
        answer(
            self.request(Method::GET, path)
                .bearer_auth(self.token(id, "someone")),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn post_as(&self, path: &str, id: i64, body: Value) -> Answer {
        answer(
            self.request(Method::POST, path)
                .bearer_auth(self.token(id, "someone"))
                .json(&body),
        )
        .await
    }
}

impl Gateway {
    /// Asks for a stop, as a signal would.
    pub(crate) fn stop(&self) {
        self.shutdown.stop();
    }

    pub(crate) async fn start(config: Config) -> Self {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let service = gateway::build(config, Clock::system()).await.unwrap();
        let (rest, socket) = (
            format!("http://{}", service.rest_addr),
            format!("http://{}", service.socket_addr),
        );
        tokio::spawn(gateway::run(service, shutdown.clone()));
        Self {
            rest,
            socket,
            shutdown,
        }
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}
