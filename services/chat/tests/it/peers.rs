//! A fake auth service (keys, follows, no revocations) and a fake stream service (rooms).

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use identity::KeySet;
use primitives::{Error, ErrorKind};
use prost::Message;
use proto::IntoStatus;
use proto::auth::v1::{
    CheckFollowRequest, CheckFollowResponse, KeySetRequest, KeySetResponse, PublicKey,
    RevocationsSinceRequest, RevocationsSinceResponse,
};
use proto::stream::v1::{GetRoomRequest, GetRoomResponse};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Default)]
struct PeerState {
    keys: KeySet,
    rooms: Mutex<HashMap<i64, GetRoomResponse>>,
    room_requests: AtomicUsize,
    follows: Mutex<HashSet<(i64, i64)>>,
    follow_requests: AtomicUsize,
    unavailable: AtomicBool,
}

#[derive(Clone)]
pub(crate) struct Peers(Arc<PeerState>);

impl Peers {
    pub(crate) fn new(keys: KeySet) -> Self {
        Self(Arc::new(PeerState {
            keys,
            ..PeerState::default()
        }))
    }

    /// Serves both on one port until the runtime ends.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(Auth(self.clone()))
            .add_service(Streams(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        addr
    }

    pub(crate) fn room(&self, stream: i64, owner: i64, live: bool, version: i64) {
        let room = GetRoomResponse {
            stream_id: stream,
            owner_id: owner,
            live,
            viewer_count: 0,
            version,
        };
        self.0.rooms.lock().unwrap().insert(stream, room);
    }

    pub(crate) fn follow(&self, follower: i64, following: i64) {
        self.0.follows.lock().unwrap().insert((follower, following));
    }

    /// The number of `CheckFollow` requests.
    pub(crate) fn follow_requests(&self) -> usize {
        self.0.follow_requests.load(Ordering::SeqCst)
    }

    /// Makes requests about rooms and follows fail.
    pub(crate) fn set_unavailable(&self, unavailable: bool) {
        self.0.unavailable.store(unavailable, Ordering::SeqCst);
    }

    /// The number of `GetRoom` requests.
    pub(crate) fn room_requests(&self) -> usize {
        self.0.room_requests.load(Ordering::SeqCst)
    }

    fn key_set(&self) -> KeySetResponse {
        let keys = self.0.keys.keys().iter();
        let keys = keys.map(|key| PublicKey {
            kid: key.kid().to_owned(),
            key: key.as_bytes().to_vec(),
        });
        KeySetResponse { keys: keys.collect() }
    }

    fn get_room(&self, request: GetRoomRequest) -> Result<GetRoomResponse, Status> {
        self.0.room_requests.fetch_add(1, Ordering::SeqCst);
        if self.0.unavailable.load(Ordering::SeqCst) {
            return Err(Status::unavailable("unavailable in this test"));
        }
        let rooms = self.0.rooms.lock().unwrap();
        rooms
            .get(&request.stream_id)
            .copied()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "stream.not_found", "no").into_status())
    }

    fn check_follow(&self, request: CheckFollowRequest) -> Result<CheckFollowResponse, Status> {
        self.0.follow_requests.fetch_add(1, Ordering::SeqCst);
        if self.0.unavailable.load(Ordering::SeqCst) {
            return Err(Status::unavailable("unavailable in this test"));
        }
        let follows = self.0.follows.lock().unwrap();
        Ok(CheckFollowResponse {
            following: follows.contains(&(request.follower_id, request.following_id)),
        })
    }

    async fn respond(self, request: http::Request<Body>) -> http::Response<Body> {
        let method = request
            .uri()
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        match method.as_str() {
            "KeySet" => respond(request, move |_: KeySetRequest| Ok(self.key_set())).await,
            "CheckFollow" => respond(request, move |r| self.check_follow(r)).await,
            "GetRoom" => respond(request, move |r| self.get_room(r)).await,
            "RevocationsSince" => {
                respond(request, |r: RevocationsSinceRequest| {
                    Ok(RevocationsSinceResponse {
                        revocations: Vec::new(),
                        cursor: r.cursor,
                    })
                })
                .await
            }
            _ => Status::unimplemented(method).into_http(),
        }
    }
}

#[derive(Clone)]
struct Auth(Peers);

#[derive(Clone)]
struct Streams(Peers);

impl NamedService for Auth {
    const NAME: &'static str = proto::auth::v1::auth_service_server::SERVICE_NAME;
}

impl NamedService for Streams {
    const NAME: &'static str = proto::stream::v1::stream_service_server::SERVICE_NAME;
}

macro_rules! serve {
    ($($name:ident)*) => { $(
        impl tower::Service<http::Request<Body>> for $name {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let peers = self.0.clone();
                Box::pin(async move { Ok(peers.respond(request).await) })
            }
        }
    )* };
}

serve!(Auth Streams);

async fn respond<Q, A>(
    request: http::Request<Body>,
    handler: impl FnMut(Q) -> Result<A, Status>,
) -> http::Response<Body>
where
    Q: Message + Default + Send + 'static,
    A: Message + Default + Send + 'static,
{
    let codec = ProstCodec::<A, Q>::default();
    Grpc::new(codec)
        .unary(Handler(handler, PhantomData), request)
        .await
}

struct Handler<F, A>(F, PhantomData<A>);

impl<F, Q, A> UnaryService<Q> for Handler<F, A>
where
    F: FnMut(Q) -> Result<A, Status>,
{
    type Response = A;
    type Future = Ready<Result<Response<A>, Status>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        ready((self.0)(request.into_inner()).map(Response::new))
    }
}
