//! The Socket.IO listener: hyper under socketioxide, with the limits and refusals that come before any of its code.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use runtime::Shutdown;
use socketioxide::extract::{SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::service::SocketIoService;
use socketioxide::{ParserConfig, SocketIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::inbound::socket::transport::{Cut, Guarded, Peer};
use crate::inbound::socket::{Sockets, handshake};

/// Where the library listens; other paths are rewritten to it.
const PATH: &str = "/socket.io";
/// Where older clients of the platform look.
const LEGACY_PATH: &str = "/app/socket.io";
/// Largest packet, over either transport.
const MAX_PACKET: u64 = 100_000;
/// A transport that has not joined by then is closed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// A request's head, and the body of a polling client's packet.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long the sockets may take to close when the process stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// After an accept failed, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Body = UnsyncBoxBody<Bytes, Infallible>;
type Engine = SocketIoService<engine::NotFound>;

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

    /// Accepts until a stop is asked for, then closes all sockets.
    pub(crate) fn serve(self, sockets: &Arc<Sockets>, shutdown: &Shutdown) {
        let (engine, io) = engine(sockets);
        let front = Arc::new(Front {
            sockets: sockets.clone(),
            engine,
        });
        let stop = shutdown.clone();
        shutdown.spawn_essential("sockets", async move {
            tokio::select! {
                () = accept(self.listener, front) => {}
                () = stop.stopping() => {}
            }
            if tokio::time::timeout(CLOSE_TIMEOUT, io.close()).await.is_err() {
                tracing::warn!("not all sockets closed in time");
            }
        });
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
    // Everything is done before the client hears that it is connected.
    let nothing_more = || std::future::ready(());
    io.ns("/", nothing_more.with(authenticate));
    (engine, io)
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

/// What stands before the library.
struct Front {
    sockets: Arc<Sockets>,
    engine: Engine,
}

impl Front {
    /// Serves one connection. After an upgrade the transport lives on in the library; its token keeps this waiting, so that the
    /// place is taken until it ends.
    async fn serve(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Latency matters more than packets; without it a lone chat message waits for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let token = CancellationToken::new();
        let io = TokioIo::new(Guarded::new(stream, token.clone()));
        let (front, cut) = (self.clone(), Cut(token.clone()));
        let service = service_fn(move |request| {
            let (front, cut) = (front.clone(), cut.clone());
            async move { Ok::<_, Infallible>(front.answer(request, peer, cut).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES);
        let ended = http.serve_connection(io, service).with_upgrades().await;
        if let Err(error) = ended {
            tracing::debug!(%error, "a socket connection ended");
        }
        token.cancelled().await;
    }

    async fn answer(&self, mut request: Request<Incoming>, peer: SocketAddr, cut: Cut) -> Response<Body> {
        let Some(uri) = self.rewritten(request.uri()) else {
            return refusal(StatusCode::NOT_FOUND, "not_found");
        };
        let origin = request.headers().get(header::ORIGIN).cloned();
        if !self.admits(origin.as_ref(), request.headers()) {
            return refusal(StatusCode::FORBIDDEN, "origin_refused");
        }
        if request.method() == Method::OPTIONS {
            return self.with_cors(empty(StatusCode::NO_CONTENT), origin.as_ref());
        }
        *request.uri_mut() = uri;
        note_upgrade(&self.sockets, &request, &cut);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(cut);
        let has_body = request.method() == Method::POST;
        let answer = self.engine.call(request);
        let answer = if has_body {
            match tokio::time::timeout(READ_TIMEOUT, answer).await {
                Ok(answer) => answer,
                Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "timeout"),
            }
        } else {
            answer.await
        };
        let answer = answer.unwrap_or_else(|error| match error {});
        self.with_cors(answer.map(BodyExt::boxed_unsync), origin.as_ref())
    }

    fn rewritten(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path();
        let below = |base: &str| {
            path.strip_prefix(base)
                .filter(|rest| rest.is_empty() || *rest == "/")
                .map(|_| uri.query().unwrap_or_default())
        };
        let query = below(&self.sockets.path).or_else(|| below(LEGACY_PATH))?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(format!("{PATH}/?{query}")).ok()?);
        Uri::from_parts(parts).ok()
    }

    fn admits(&self, origin: Option<&HeaderValue>, headers: &HeaderMap) -> bool {
        // An origin that is no text is none that we know.
        let origin = origin.map(|origin| origin.to_str().unwrap_or("?"));
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        self.sockets.origins.admits(origin, host)
    }

    fn with_cors(&self, mut answer: Response<Body>, origin: Option<&HeaderValue>) -> Response<Body> {
        let headers = answer.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        let known = origin.filter(|origin| {
            origin
                .to_str()
                .is_ok_and(|origin| self.sockets.origins.allows(origin))
        });
        if let Some(origin) = known {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("GET, POST"),
            );
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("content-type"),
            );
        }
        answer
    }
}

fn note_upgrade(sockets: &Sockets, request: &Request<Incoming>, cut: &Cut) {
    if request.headers().contains_key(header::UPGRADE)
        && let Some(query) = request.uri().query()
        && let Some(session) = query.split('&').find_map(|pair| pair.strip_prefix("sid="))
    {
        sockets.upgrades.note(session, cut);
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = status;
    response
}

fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    let body = serde_json::json!({ "code": code, "message": status.canonical_reason() }).to_string();
    let mut response = Response::new(Full::from(body).boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What the library passes a request on to that is not for it. `rewritten` lets none through.
mod engine {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    use bytes::Bytes;
    use http::{Request, Response, StatusCode};
    use http_body_util::Empty;
    use hyper::service::Service;

    #[derive(Clone)]
    pub(super) struct NotFound;

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
