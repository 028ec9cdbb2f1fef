//! The HTTP layer before the Socket.IO library: it rejects requests, sets cookies and adds headers.

use std::convert::Infallible;
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
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::inbound::socket::engine::{Engine, PATH};
use crate::inbound::socket::transport::{Closer, Guarded, Peer};
use crate::inbound::socket::{Sockets, visitor};

/// The path used by older clients of the platform.
const LEGACY_PATH: &str = "/app/socket.io";
/// For a request's head and for the body of a polling client's packet.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEAD_BYTES: usize = 32 * 1024;

type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) struct Front {
    pub(super) sockets: Arc<Sockets>,
    pub(super) engine: Engine,
}

impl Front {
    /// Serves one connection until it closes, even if the library took it over as a websocket.
    pub(super) async fn serve(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Otherwise a single chat message waits until the client acknowledges the packet before it.
        let _ = stream.set_nodelay(true);
        let token = CancellationToken::new();
        let io = TokioIo::new(Guarded::new(stream, token.clone()));
        let (front, closer) = (self.clone(), Closer(token.clone()));
        let service = service_fn(move |request| {
            let (front, closer) = (front.clone(), closer.clone());
            async move { Ok::<_, Infallible>(front.answer(request, peer, closer).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES);
        let ended = http.serve_connection(io, service).with_upgrades().await;
        if let Err(error) = ended {
            tracing::debug!(%error, "socket connection failed");
        }
        token.cancelled().await;
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        closer: Closer,
    ) -> Response<Body> {
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
        let is_new = session(&uri).is_none();
        if is_new && self.sockets.hub.drain.has_begun() {
            return self.with_cors(draining(), origin.as_ref());
        }
        let cookie = if is_new {
            let secure = visitor::over_tls(request.headers(), peer.ip(), &self.sockets.trusted);
            visitor::identify(&self.sockets.visitors, &mut request, secure)
        } else {
            None
        };
        *request.uri_mut() = uri;
        note_upgrade(&self.sockets, &request, &closer);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(closer);
        let mut answer = self.call(request).await;
        visitor::set_cookie(cookie, &mut answer);
        self.with_cors(answer, origin.as_ref())
    }

    /// Calls the library. Sending a packet has a deadline; waiting for packets has none.
    async fn call(&self, request: Request<Incoming>) -> Response<Body> {
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
        answer.map(BodyExt::boxed_unsync)
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
        // An origin that is not ASCII text is not allowed.
        let origin = origin.map(|origin| origin.to_str().unwrap_or("?"));
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        self.sockets.cors.origins.admits(origin, host)
    }

    fn with_cors(&self, mut answer: Response<Body>, origin: Option<&HeaderValue>) -> Response<Body> {
        // The library never answers 204.
        let is_preflight = answer.status() == StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        let origin = origin.and_then(|origin| origin.to_str().ok());
        for (name, value) in self.sockets.cors.headers(origin, is_preflight) {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        answer
    }
}

/// Returns the session of a request; the first request of a session has none.
fn session(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("sid="))
}

fn note_upgrade(sockets: &Sockets, request: &Request<Incoming>, closer: &Closer) {
    if request.headers().contains_key(header::UPGRADE)
        && let Some(session) = session(request.uri())
    {
        sockets.transports.note_upgrade(session, closer);
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The answer to new sessions while the process stops. A proxy reaches another replica over a new connection.
fn draining() -> Response<Body> {
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, "server_draining");
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
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
