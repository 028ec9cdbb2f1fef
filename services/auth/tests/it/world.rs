//! The isolated resources of a test (database, virtual host, key prefix) and its replicas.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use auth::config::Config;
use auth::store::Store;
use bucket::{Bucket, BucketConfig};
use bus::{Bus, BusConfig, Listener, ListenerEvent};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use identity::{ServiceName, ServiceTokens};
use primitives::{Clock, Error};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{
    FollowRequest, GetMeRequest, LoginRequest, LogoutRequest, RefreshRequest, RegisterRequest,
    SessionResponse, User,
};
use proto::events::v1::event::Payload;
use proto::{CallContext, Peer, PeerChannel, error_from_status};
use runtime::Shutdown;
use secrecy::SecretString;
use storage::{DatabaseConfig, RedisConfig};
use tokio::task::JoinHandle;

pub(crate) use runtime::TEST_SERVICE_SECRET as SERVICE_SECRET;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
}

/// A running replica of the service.
pub(crate) struct Replica {
    pub(crate) grpc_addr: SocketAddr,
    pub(crate) store: Store,
    pub(crate) bucket: Bucket,
    pub(crate) shutdown: Shutdown,
    clock: Clock,
    running: JoinHandle<anyhow::Result<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        runtime::install_tls_provider();
        let stack = stack::shared().await.unwrap();
        let migrate = async |url: String| storage::migrate(&DatabaseConfig::new(url), auth::MIGRATIONS).await;
        let mut database = DatabaseConfig::new(stack.database("auth", migrate).await.unwrap());
        database.database_pool_size = 4;
        let key = SigningKey::from_bytes(&rand::random())
            .to_pkcs8_pem(LineEnding::LF)
            .unwrap();
        let config = Config::for_testing(
            database,
            RedisConfig::new(&stack.redis_url, stack.redis_prefix()),
            BusConfig::new(stack.vhost().await.unwrap()),
            bucket(stack),
            SecretString::from(key.to_string()),
        );
        Self {
            config,
            clock: Clock::system(),
        }
    }

    pub(crate) async fn replica(&self) -> Replica {
        Replica::start(self.config.clone(), self.clock.clone()).await
    }

    /// Subscribes to events with these names and returns once the queue is bound. Events published shortly
    /// before may arrive too.
    pub(crate) async fn listen(&self, keys: &[&str]) -> Events {
        let bus = Bus::connect(&self.config.common.bus, "test").unwrap();
        let mut listener = Listener::start(&bus, keys);
        let first = tokio::time::timeout(TIMEOUT, listener.next()).await.unwrap();
        assert!(matches!(first, Some(ListenerEvent::Connected)));
        Events { listener, _bus: bus }
    }

    pub(crate) async fn sql(&self) -> tokio_postgres::Client {
        use secrecy::ExposeSecret;
        let url = self.config.database.database_url.expose_secret();
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

fn bucket(stack: &stack::Stack) -> BucketConfig {
    BucketConfig {
        name: stack.bucket.name.clone(),
        region: stack.bucket.region.clone(),
        key_id: stack.bucket.key_id.clone(),
        secret: stack.bucket.secret.clone().into(),
        prefix: stack.bucket_prefix(),
        ..BucketConfig::for_testing(stack.bucket.endpoint.parse().unwrap())
    }
}

impl Replica {
    pub(crate) async fn start(config: Config, clock: Clock) -> Self {
        let shutdown = Shutdown::new(config.common.process.stop_grace());
        let bucket = Bucket::new(&config.bucket).unwrap();
        let service = auth::build(config, clock.clone()).await.unwrap();
        Self {
            grpc_addr: service.app.grpc_addr,
            bucket,
            store: service.app.store.clone(),
            running: tokio::spawn(auth::run(service, shutdown.clone())),
            shutdown,
            clock,
        }
    }

    pub(crate) fn peer(&self, service: ServiceName) -> Peer {
        let tokens = ServiceTokens::new(
            &SecretString::from(SERVICE_SECRET),
            None,
            service,
            self.clock.clone(),
        );
        Peer::new(format!("http://{}", self.grpc_addr).parse().unwrap(), tokens)
    }

    /// A client that calls the service as the gateway, with a user's token.
    pub(crate) fn call(&self, token: Option<&str>) -> AuthServiceClient<PeerChannel> {
        self.call_from(token, None)
    }

    pub(crate) fn call_from(
        &self,
        token: Option<&str>,
        address: Option<IpAddr>,
    ) -> AuthServiceClient<PeerChannel> {
        let context = CallContext {
            user_token: token.map(str::to_owned),
            client_address: address,
            ..CallContext::background(Duration::from_secs(10))
        };
        AuthServiceClient::new(self.peer(ServiceName::Gateway).with(&context))
    }

    pub(crate) async fn register(&self, name: &str) -> SessionResponse {
        self.try_register(name).await.unwrap()
    }

    pub(crate) async fn try_register(&self, name: &str) -> Result<SessionResponse, Error> {
        let request = RegisterRequest {
            username: name.to_owned(),
            password: PASSWORD.to_owned(),
            display_name: None,
        };
        result(self.call(None).register(request).await)
    }

    pub(crate) async fn login(&self, name: &str, password: &str) -> Result<SessionResponse, Error> {
        self.login_from(name, password, None).await
    }

    pub(crate) async fn login_from(
        &self,
        name: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<SessionResponse, Error> {
        let request = LoginRequest {
            username: name.to_owned(),
            password: password.to_owned(),
        };
        result(self.call_from(None, address).login(request).await)
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<SessionResponse, Error> {
        let request = RefreshRequest {
            refresh_token: refresh_token.to_owned(),
        };
        result(self.call(None).refresh(request).await)
    }

    pub(crate) async fn logout(&self, token: &str) -> Result<(), Error> {
        result(self.call(Some(token)).logout(LogoutRequest {}).await).map(drop)
    }

    pub(crate) async fn me(&self, token: &str) -> Result<User, Error> {
        result(self.call(Some(token)).get_me(GetMeRequest {}).await).map(|answer| answer.user.unwrap())
    }

    pub(crate) async fn follow(&self, token: &str, user_id: i64) -> Result<(), Error> {
        result(self.call(Some(token)).follow(FollowRequest { user_id }).await).map(drop)
    }

    /// Stops the replica like a signal does and waits for its end.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.stop();
        tokio::time::timeout(TIMEOUT, self.running).await??
    }
}

/// Receives the events of the service.
pub(crate) struct Events {
    listener: Listener,
    _bus: Bus,
}

impl Events {
    /// Returns the next event.
    pub(crate) async fn next(&mut self) -> Payload {
        loop {
            match tokio::time::timeout(TIMEOUT, self.listener.next()).await {
                Ok(Some(ListenerEvent::Event(event, _))) => return event.payload.unwrap(),
                Ok(Some(ListenerEvent::Connected)) => {}
                Ok(None) | Err(_) => panic!("no event received"),
            }
        }
    }
}

/// Returns the response, or the error as the gateway sees it.
pub(crate) fn result<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Error> {
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| error_from_status(&status))
}

pub(crate) fn code<T>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code.into_owned(),
    }
}

pub(crate) fn user(session: &SessionResponse) -> &User {
    session.user.as_ref().unwrap()
}

/// Returns a client address.
pub(crate) fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([198, 51, 100, last]))
}
