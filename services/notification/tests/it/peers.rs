//! A fake auth service: keys, no revocations, and the followers that a test sets.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use identity::KeySet;
use prost::Message;
use proto::auth::v1::{
    FollowerPageRequest, FollowerPageResponse, KeySetRequest, KeySetResponse, PublicKey,
    RevocationsSinceRequest, RevocationsSinceResponse,
};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Default)]
pub(crate) struct AuthState {
    pub(crate) keys: Mutex<KeySet>,
    pub(crate) followers: Mutex<HashMap<i64, BTreeSet<i64>>>,
    /// Requested pages.
    pub(crate) pages: AtomicUsize,
    /// Pages after this follower fail.
    pub(crate) refuse_after: AtomicI64,
}

#[derive(Clone)]
pub(crate) struct Auth(pub(crate) Arc<AuthState>);

impl Auth {
    pub(crate) fn new(keys: KeySet) -> Self {
        let refuse_after = AtomicI64::new(i64::MAX);
        Self(Arc::new(AuthState {
            keys: Mutex::new(keys),
            refuse_after,
            ..AuthState::default()
        }))
    }

    /// Serves on its own port until the runtime ends.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder().add_service(self.clone());
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        addr
    }

    pub(crate) fn follow(&self, user: i64, followers: impl IntoIterator<Item = i64>) {
        self.0
            .followers
            .lock()
            .unwrap()
            .entry(user)
            .or_default()
            .extend(followers);
    }

    pub(crate) fn refuse_after(&self, follower: i64) {
        self.0.refuse_after.store(follower, Ordering::SeqCst);
    }

    pub(crate) fn pages(&self) -> usize {
        self.0.pages.load(Ordering::SeqCst)
    }

    fn key_set(&self, _: KeySetRequest) -> Result<KeySetResponse, Status> {
        let keys = self.0.keys.lock().unwrap();
        let keys = keys.keys().iter().map(|key| PublicKey {
            kid: key.kid().to_owned(),
            key: key.as_bytes().to_vec(),
        });
        Ok(KeySetResponse { keys: keys.collect() })
    }

    fn follower_page(&self, request: FollowerPageRequest) -> Result<FollowerPageResponse, Status> {
        self.0.pages.fetch_add(1, Ordering::SeqCst);
        if request.after_follower_id >= self.0.refuse_after.load(Ordering::SeqCst) {
            return Err(Status::unavailable("unavailable in this test"));
        }
        let followers = self.0.followers.lock().unwrap();
        let limit = usize::try_from(request.limit).unwrap();
        let all = followers.get(&request.user_id).into_iter().flatten().copied();
        let mut follower_ids: Vec<i64> = all
            .filter(|id| *id > request.after_follower_id)
            .take(limit + 1)
            .collect();
        let has_more = follower_ids.len() > limit;
        follower_ids.truncate(limit);
        Ok(FollowerPageResponse {
            follower_ids,
            has_more,
        })
    }
}

impl NamedService for Auth {
    const NAME: &'static str = proto::auth::v1::auth_service_server::SERVICE_NAME;
}

impl tower::Service<http::Request<Body>> for Auth {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let auth = self.clone();
        let method = request
            .uri()
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        Box::pin(async move {
            Ok(match method.as_str() {
                "KeySet" => respond(request, move |r| auth.key_set(r)).await,
                "FollowerPage" => respond(request, move |r| auth.follower_page(r)).await,
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
            })
        })
    }
}

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
