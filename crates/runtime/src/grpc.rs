//! Answering gRPC.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::{Router, TcpIncoming};
use tower::{Layer, Service};

use crate::shutdown::Shutdown;

/// A client that vanished without closing is noticed within these two together.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection is renewed after about this long, so that calls find new replicas behind a name.
const CONNECTION_AGE: Duration = Duration::from_secs(300);
/// What a call may still take on a connection that is being renewed: as long as the longest, an upload. A
/// connection without calls closes at once, and calls end by their own deadlines.
const CONNECTION_GRACE: Duration = Duration::from_secs(7 * 3600);
/// Calls in flight on one connection.
const MAX_STREAMS: u32 = 1024;
/// A request's headers, all together: a token and some small things.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// A gRPC server with every limit set; add layers and services to it.
#[must_use]
pub fn grpc_server() -> Server {
    // Spread, so that replicas that started together are not called anew together.
    let age = CONNECTION_AGE.mul_f64(rand::random_range(0.8..1.2));
    Server::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(PING_INTERVAL))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .max_connection_age(age)
        .max_connection_age_grace(CONNECTION_GRACE)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
}

/// A bound socket for gRPC.
pub struct GrpcListener {
    listener: TcpListener,
    addr: SocketAddr,
}

impl GrpcListener {
    /// Takes the port, so that its number is known before anything else starts.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    /// The address, with the port that was given.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until a stop is asked for, then finishes the calls that are in progress; those that outlast
    /// the grace are dropped. An essential task of the shutdown. The token that it answers is cancelled when
    /// the last call is over: what must outlive the calls, such as the relay of their events, stops by it.
    pub fn serve<L>(self, router: Router<L>, shutdown: &Shutdown) -> CancellationToken
    where
        L: Layer<Routes> + Clone + Send + 'static,
        L::Service: Service<http::Request<Body>, Response = http::Response<Body>> + Clone + Send + 'static,
        <L::Service as Service<http::Request<Body>>>::Future: Send,
        <L::Service as Service<http::Request<Body>>>::Error:
            Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let soft = shutdown.soft_token();
        let drained = CancellationToken::new();
        let guard = drained.clone().drop_guard();
        shutdown.spawn_essential("grpc", async move {
            let _guard = guard;
            if let Err(error) = router
                .serve_with_incoming_shutdown(incoming, soft.cancelled_owned())
                .await
            {
                tracing::error!(%error, "the gRPC listener ended");
            }
        });
        drained
    }
}
