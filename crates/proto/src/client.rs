//! Channels to the other services. A call without a deadline, a service token or a trace context cannot be
//! made: the channel adds them from the [`CallContext`].

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::Uri;
use identity::ServiceTokens;
use opentelemetry::propagation::Injector;
use primitives::IdempotencyKey;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::{metadata, trace};

/// How long a channel tries to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A peer that vanished without closing is noticed within these two together (measured by fault 25: at most
/// 40 s).
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that any single call may take, whatever its context says.
const MAX_DEADLINE: Duration = Duration::from_secs(30);
/// The same for a call that carries a video from a client's own line: 2 GiB at 100 KB/s.
pub const MAX_UPLOAD_TIME: Duration = Duration::from_secs(6 * 3600);

/// Another service, by its gRPC address. Connects when first used and again whenever the connection breaks.
#[derive(Clone, Debug)]
pub struct Peer {
    channel: Channel,
    tokens: ServiceTokens,
}

/// A channel that adds one call's context; generated clients wrap it.
pub type PeerChannel = InterceptedService<Channel, AddContext>;

impl Peer {
    /// A peer at `http://host:port`, called in the name of the service whose tokens are given.
    #[must_use]
    pub fn new(address: Uri, tokens: ServiceTokens) -> Self {
        Self::patient(address, tokens, MAX_DEADLINE)
    }

    /// The same peer on a connection for uploads of videos, whose calls may take [`MAX_UPLOAD_TIME`].
    #[must_use]
    pub fn for_uploads(address: Uri, tokens: ServiceTokens) -> Self {
        Self::patient(address, tokens, MAX_UPLOAD_TIME)
    }

    fn patient(address: Uri, tokens: ServiceTokens, longest: Duration) -> Self {
        let endpoint = Endpoint::from(address)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(longest)
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

    /// The channel for one call, or for several that share a deadline.
    #[must_use]
    pub fn with(&self, context: &CallContext) -> PeerChannel {
        let add = AddContext {
            tokens: self.tokens.clone(),
            context: context.clone(),
        };
        InterceptedService::new(self.channel.clone(), add)
    }
}

/// What a call carries beside its message.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The access token of the user for whom the call is made.
    pub user_token: Option<String>,
    /// The client's address, as the gateway saw it.
    pub client_address: Option<IpAddr>,
    /// Joins the log lines of one request over all services.
    pub request_id: String,
    /// When the answer is of no use any more.
    pub deadline: Instant,
    /// The client's name for what it may send again.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl CallContext {
    /// The context of work that no user waits for, with a deadline from now.
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

/// Writes a [`CallContext`] into each call's metadata.
#[derive(Clone, Debug)]
pub struct AddContext {
    tokens: ServiceTokens,
    context: CallContext,
}

impl Interceptor for AddContext {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let left = self.context.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Status::deadline_exceeded("the caller's deadline has passed"));
        }
        request.set_timeout(left);
        metrics::counter!("grpc_calls_total").increment(1);
        let pairs = request.metadata_mut();
        insert(pairs, metadata::SERVICE, &self.tokens.issue());
        insert(pairs, metadata::REQUEST_ID, &self.context.request_id);
        if let Some(token) = &self.context.user_token {
            insert(pairs, metadata::AUTHORIZATION, &format!("Bearer {token}"));
        }
        if let Some(key) = &self.context.idempotency_key {
            insert(pairs, metadata::IDEMPOTENCY_KEY, key.as_str());
        }
        if let Some(address) = &self.context.client_address {
            insert(pairs, metadata::CLIENT_ADDRESS, &address.to_string());
        }
        trace::inject(&mut Pairs(pairs));
        Ok(request)
    }
}

fn insert(pairs: &mut MetadataMap, name: &'static str, value: &str) {
    if let Ok(value) = MetadataValue::try_from(value) {
        pairs.insert(name, value);
    }
}

struct Pairs<'a>(&'a mut MetadataMap);

impl Injector for Pairs<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (
            tonic::metadata::MetadataKey::from_bytes(key.as_bytes()),
            MetadataValue::try_from(value),
        ) {
            self.0.insert(key, value);
        }
    }
}
