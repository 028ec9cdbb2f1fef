//! The Socket.IO listener: socketioxide on hyper, with limits.

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
use socketioxide::{ParserConfig, SocketIo};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::inbound::socket::engine::{Engine, NotFound, PATH};
use crate::inbound::socket::front::Front;
use crate::inbound::socket::{Sockets, handshake};

/// Largest packet, over either transport.
const MAX_PACKET: u64 = 100_000;
/// A client that has not joined the namespace by then is disconnected.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long current events and the last sockets may take to finish when the process stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// After an accept failed, usually because no file descriptors are left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

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

    /// Serves until the process stops, then drains the sockets. Connections are accepted until the last
    /// socket has closed, since polling sockets need them, but new sessions are rejected.
    pub(crate) fn serve(self, sockets: &Arc<Sockets>, shutdown: &Shutdown) {
        let (engine, io) = engine(sockets);
        let polling = engine.clone();
        let close_session = move |session: &str| close_polling(&polling, session);
        sockets.transports.set_close_polling(Box::new(close_session));
        let front = Arc::new(Front {
            sockets: sockets.clone(),
            engine,
        });
        let stop = shutdown.clone();
        let sockets = sockets.clone();
        shutdown.spawn_essential("sockets", async move {
            // Also if this task panics or is aborted.
            let _finished = sockets.hub.drain.finish_on_drop();
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
    sockets.hub.close_all(sockets.limits.drain()).await;
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
        .build_with_inner_svc(NotFound);
    let shared = sockets.clone();
    let authenticate = move |socket: SocketRef, TryData(auth): TryData<serde_json::Value>| {
        handshake::connect(shared.clone(), socket, auth.ok())
    };
    let shared = sockets.clone();
    let connected = move |socket: SocketRef| {
        handshake::connected(&shared, &socket);
        std::future::ready(())
    };
    io.ns("/", connected.with(authenticate));
    (engine, io)
}

/// Closes a polling session with the packet that its client would send: the library has no other way.
fn close_polling(engine: &Engine, session: &str) {
    let uri = format!("{PATH}/?EIO=4&transport=polling&sid={session}");
    if let Ok(request) = Request::post(uri).body(Full::<Bytes>::from("1")) {
        let answer = engine.call(request);
        tokio::spawn(async move { drop(answer.await) });
    }
}

async fn accept(listener: TcpListener, front: Arc<Front>) {
    let slots = Arc::new(Semaphore::new(front.sockets.limits.gateway_socket_connections));
    while let Ok(slot) = slots.clone().acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        let front = front.clone();
        tokio::spawn(async move {
            front.serve(stream, peer).await;
            drop(slot);
        });
    }
}
