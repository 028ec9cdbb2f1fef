//! The Socket.IO listener: hyper under socketioxide, with the limits that we give to it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::service::Service;
use runtime::Shutdown;
use socketioxide::extract::{SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::service::SocketIoService;
use socketioxide::{ParserConfig, SocketIo};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::inbound::socket::front::Front;
use crate::inbound::socket::{Sockets, handshake};

/// Where the library listens; other paths are rewritten to it.
pub(super) const PATH: &str = "/socket.io";
/// Largest packet, over either transport.
const MAX_PACKET: u64 = 100_000;
/// A transport that has not joined by then is closed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long events that are being handled, and then the last sockets, may take to end when the process stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// After an accept failed, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The library as a service for requests.
pub(super) type Engine = SocketIoService<engine::NotFound>;

/// A bound socket for Socket.IO.
pub(crate) struct SocketListener {
    listener: TcpListener,
    addr: SocketAddr,
}

impl SocketListener {
    pub(crate) async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until a stop is asked for, then sends all sockets away. Connections are accepted until the last
    /// has gone, since those that poll need them; what begins a new session is refused meanwhile.
    pub(crate) fn serve(self, sockets: &Arc<Sockets>, shutdown: &Shutdown) {
        let (engine, io) = engine(sockets);
        let polling = engine.clone();
        let end = move |session: &str| end_polling(&polling, session);
        sockets.transports.polling_ends_by(Box::new(end));
        let front = Arc::new(Front {
            sockets: sockets.clone(),
            engine,
        });
        let stop = shutdown.clone();
        let sockets = sockets.clone();
        shutdown.spawn_essential("sockets", async move {
            // Those who wait for this end wait no longer, however this ends.
            let _over = sockets.hub.end_of_drain();
            let closed = async {
                stop.stopping().await;
                close(&sockets, &io).await;
            };
            tokio::select! {
                () = accept(self.listener, front) => {}
                () = closed => {}
            }
        });
    }
}

async fn close(sockets: &Sockets, io: &SocketIo) {
    sockets.hub.drain(sockets.limits.drain()).await;
    sockets.workers.close();
    let closed = async {
        sockets.workers.wait().await;
        io.close().await;
    };
    if tokio::time::timeout(CLOSE_TIMEOUT, closed).await.is_err() {
        tracing::warn!("not all sockets closed in time");
    }
}

fn engine(sockets: &Arc<Sockets>) -> (Engine, SocketIo) {
    let limits = &sockets.limits;
    let max_packet = usize::try_from(MAX_PACKET).unwrap_or(usize::MAX);
    let parser = ParserConfig::common()
        .max_incoming_binaries(4)
        .max_incoming_binary_buf_size(max_packet);
    let (engine, io) = SocketIo::builder()
        .req_path(PATH)
        .with_parser(parser)
        .ping_interval(Duration::from_secs(limits.gateway_socket_ping_seconds))
        .ping_timeout(PING_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .max_buffer_size(limits.gateway_socket_buffer)
        .max_payload(MAX_PACKET)
        .ws_max_message_size(max_packet)
        .ws_max_frame_size(max_packet)
        .build_with_inner_svc(engine::NotFound);
    let shared = sockets.clone();
    let authenticate = move |socket: SocketRef, TryData(auth): TryData<serde_json::Value>| {
        handshake::connect(shared.clone(), socket, auth.ok())
    };
    let shared = sockets.clone();
    // Everything else is done before the client hears that it is connected.
    let connected = move |socket: SocketRef| {
        handshake::connected(&shared, &socket);
        std::future::ready(())
    };
    io.ns("/", connected.with(authenticate));
    (engine, io)
}

/// Ends a polling session as its client would, by a packet that says so: the library has no other way.
fn end_polling(engine: &Engine, session: &str) {
    let uri = format!("{PATH}/?EIO=4&transport=polling&sid={session}");
    if let Ok(request) = Request::post(uri).body(Full::<Bytes>::from("1")) {
        let answer = engine.call(request);
        tokio::spawn(async move { drop(answer.await) });
    }
}

async fn accept(listener: TcpListener, front: Arc<Front>) {
    let places = Arc::new(Semaphore::new(front.sockets.limits.gateway_socket_connections));
    while let Ok(place) = places.clone().acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let front = front.clone();
        tokio::spawn(async move {
            front.serve(stream, peer).await;
            drop(place);
        });
    }
}

/// What the library passes a request on to that is not for it. `Front` lets none through.
mod engine {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    use bytes::Bytes;
    use http::{Request, Response, StatusCode};
    use http_body_util::Empty;
    use hyper::service::Service;

    #[derive(Clone)]
    pub(in crate::inbound::socket) struct NotFound;

    impl<B> Service<Request<B>> for NotFound {
        type Response = Response<Empty<Bytes>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Self::Error>>;

        fn call(&self, _: Request<B>) -> Self::Future {
            let mut response = Response::new(Empty::new());
            *response.status_mut() = StatusCode::NOT_FOUND;
            ready(Ok(response))
        }
    }
}
