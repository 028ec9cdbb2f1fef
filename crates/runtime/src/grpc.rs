//! The gRPC server of a service.

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

/// A client that vanished without closing its connection is noticed within the sum of these two.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections are closed at about this age, so that clients find new replicas behind a name.
const CONNECTION_AGE: Duration = Duration::from_secs(300);
/// How long calls on a closing connection may still take: as long as the longest one, an upload. Idle
/// connections close at once, and calls end by their own deadlines.
const CONNECTION_GRACE: Duration = Duration::from_secs(7 * 3600);
/// Concurrent calls on one connection.
const MAX_STREAMS: u32 = 1024;
/// All headers of a request together: a token and a few short ones.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// Returns a server with every limit set.
pub(crate) fn server() -> Server {
    // Spread, so that clients of replicas that started together do not reconnect together.
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
pub(crate) struct GrpcListener {
    listener: TcpListener,
    addr: SocketAddr,
}

impl GrpcListener {
    pub(crate) async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until the soft stop, then finishes the calls in progress; the hard stop drops those that are
    /// left. The returned token is cancelled when the last call is over, for tasks that must outlive the
    /// calls, such as the relay of their events.
    pub(crate) fn serve<L>(self, router: Router<L>, shutdown: &Shutdown) -> CancellationToken
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
                tracing::error!(%error, "gRPC listener failed");
            }
        });
        drained
    }
}
