//! Channels to other services. Every call carries a deadline, a service token and a trace context, because
//! [`Peer`] adds them from the [`CallContext`].

use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use identity::ServiceTokens;
use opentelemetry::propagation::Injector;
use primitives::IdempotencyKey;
use tokio::time::Instant;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::{metadata, trace};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A peer that vanishes without closing its connections is noticed after both together; the chaos test
/// measures at most 40 s until calls succeed again.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_CALL_TIME: Duration = Duration::from_secs(30);
/// The maximum duration of a call that carries a video from a client: 2 GiB at 100 KB/s.
pub const MAX_UPLOAD_TIME: Duration = Duration::from_secs(6 * 3600);

/// Another service. Connects on the first call, and again whenever the connection breaks.
#[derive(Clone, Debug)]
pub struct Peer {
    channel: Channel,
    tokens: ServiceTokens,
}

/// A channel that adds the context of one call. Generated clients wrap it.
pub type PeerChannel = InterceptedService<Channel, ContextInterceptor>;

impl Peer {
    /// Creates a peer at `http://host:port`. `tokens` names the calling service.
    #[must_use]
    pub fn new(address: Uri, tokens: ServiceTokens) -> Self {
        Self::with_max_call_time(address, tokens, MAX_CALL_TIME)
    }

    /// Creates a peer whose calls may take [`MAX_UPLOAD_TIME`], with a connection of its own.
    #[must_use]
    pub fn for_uploads(address: Uri, tokens: ServiceTokens) -> Self {
        Self::with_max_call_time(address, tokens, MAX_UPLOAD_TIME)
    }

    fn with_max_call_time(address: Uri, tokens: ServiceTokens, max: Duration) -> Self {
        let endpoint = Endpoint::from(address)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(max)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(PING_INTERVAL))
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true);
        Self {
            channel: endpoint.connect_lazy(),
            tokens,
        }
    }

    /// Returns a channel for one call, or for several calls that share a deadline.
    #[must_use]
    pub fn with(&self, context: &CallContext) -> PeerChannel {
        let interceptor = ContextInterceptor {
            tokens: self.tokens.clone(),
            context: context.clone(),
        };
        InterceptedService::new(self.channel.clone(), interceptor)
    }
}

/// The metadata of a call.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The access token of the user who caused the call.
    pub user_token: Option<String>,
    /// The client's address, as seen by the gateway.
    pub client_address: Option<IpAddr>,
    /// Correlates the log lines of one request across services.
    pub request_id: String,
    pub deadline: Instant,
    pub idempotency_key: Option<IdempotencyKey>,
}

impl CallContext {
    /// Returns the context of work that no user waits for.
    #[must_use]
    pub fn background(timeout: Duration) -> Self {
        Self {
            user_token: None,
            client_address: None,
            request_id: uuid::Uuid::now_v7().to_string(),
            deadline: Instant::now() + timeout,
            idempotency_key: None,
        }
    }
}

/// Writes a [`CallContext`] into the metadata of a call.
#[derive(Clone, Debug)]
pub struct ContextInterceptor {
    tokens: ServiceTokens,
    context: CallContext,
}

impl Interceptor for ContextInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let timeout = self.context.deadline.saturating_duration_since(Instant::now());
        // A call whose deadline has passed could only waste the peer's time.
        if timeout.is_zero() {
            return Err(Status::deadline_exceeded("the caller's deadline has passed"));
        }
        request.set_timeout(timeout);
        metrics::counter!("grpc_calls_total").increment(1);
        let metadata = request.metadata_mut();
        insert(metadata, metadata::SERVICE, &self.tokens.issue());
        insert(metadata, metadata::REQUEST_ID, &self.context.request_id);
        if let Some(token) = &self.context.user_token {
            insert(metadata, metadata::AUTHORIZATION, &format!("Bearer {token}"));
        }
        if let Some(key) = &self.context.idempotency_key {
            insert(metadata, metadata::IDEMPOTENCY_KEY, key.as_str());
        }
        if let Some(address) = &self.context.client_address {
            insert(metadata, metadata::CLIENT_ADDRESS, &address.to_string());
        }
        trace::inject(&mut MetadataCarrier(metadata));
        Ok(request)
    }
}

fn insert(metadata: &mut MetadataMap, name: &'static str, value: &str) {
    if let Ok(value) = MetadataValue::try_from(value) {
        metadata.insert(name, value);
    }
}

struct MetadataCarrier<'a>(&'a mut MetadataMap);

impl Injector for MetadataCarrier<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (
            tonic::metadata::MetadataKey::from_bytes(key.as_bytes()),
            MetadataValue::try_from(value),
        ) {
            self.0.insert(key, value);
        }
    }
}
