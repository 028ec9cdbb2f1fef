//! A fake auth service with keys, a snapshot, and no revocations.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use identity::KeySet;
use prost::Message;
use proto::auth::v1::{
    KeySetRequest, KeySetResponse, Owner, PublicKey, RevocationsSinceRequest, RevocationsSinceResponse,
    SnapshotRequest, SnapshotResponse,
};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone)]
pub(crate) struct Auth {
    keys: Arc<KeySet>,
    pub(crate) owners: Arc<Mutex<Vec<Owner>>>,
}

impl Auth {
    pub(crate) fn new(keys: KeySet) -> Self {
        Self {
            keys: Arc::new(keys),
            owners: Arc::default(),
        }
    }

    /// Serves on a free port until the runtime stops.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder().add_service(self.clone());
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        addr
    }

    fn key_set(&self) -> KeySetResponse {
        let keys = self.keys.keys().iter();
        let keys = keys.map(|key| PublicKey {
            kid: key.kid().to_owned(),
            key: key.as_bytes().to_vec(),
        });
        KeySetResponse { keys: keys.collect() }
    }

    fn snapshot(&self, request: &SnapshotRequest) -> SnapshotResponse {
        let owners = self.owners.lock().unwrap();
        let after = owners.iter().filter(|owner| owner.id > request.after_user_id);
        SnapshotResponse {
            owners: after.take(request.limit as usize).cloned().collect(),
        }
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
                "KeySet" => answer(request, move |_: KeySetRequest| auth.key_set()).await,
                "Snapshot" => answer(request, move |r: SnapshotRequest| auth.snapshot(&r)).await,
                "RevocationsSince" => {
                    answer(request, |r: RevocationsSinceRequest| RevocationsSinceResponse {
                        revocations: Vec::new(),
                        cursor: r.cursor,
                    })
                    .await
                }
                _ => Status::unimplemented(method).into_http(),
            })
        })
    }
}

async fn answer<Q, A>(request: http::Request<Body>, handler: impl FnMut(Q) -> A) -> http::Response<Body>
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
    F: FnMut(Q) -> A,
{
    type Response = A;
    type Future = Ready<Result<Response<A>, Status>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        ready(Ok(Response::new((self.0)(request.into_inner()))))
    }
}
