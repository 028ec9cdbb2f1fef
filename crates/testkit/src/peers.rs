//! Fake auth and stream services, which are peers of almost every service.

mod auth;
mod stream;

use std::net::SocketAddr;

use identity::TestIssuer;
use tonic::Status;
use tonic::service::Routes;

pub use auth::{FakeAuth, key_set, revocations_since};
pub use stream::FakeStream;

use crate::grpc::{AuthServiceServer, StreamServiceServer, serve};

/// A fake auth and a fake stream service on one port. Clones share their data.
#[derive(Clone)]
pub struct Peers {
    pub auth: FakeAuth,
    pub stream: FakeStream,
    pub addr: SocketAddr,
}

impl Peers {
    /// Starts both. Tokens of the issuer are valid.
    pub async fn start(issuer: &TestIssuer) -> Self {
        let (auth, stream) = (FakeAuth::new(issuer), FakeStream::default());
        let routes = Routes::new(AuthServiceServer::new(auth.clone()))
            .add_service(StreamServiceServer::new(stream.clone()));
        let addr = serve(routes).await;
        Self { auth, stream, addr }
    }

    /// Makes the methods that count their requests fail, or succeed again.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.auth.set_unavailable(unavailable);
        self.stream.set_unavailable(unavailable);
    }
}

/// Refuses a request while the fake is unavailable.
fn check_available(unavailable: bool) -> Result<(), Status> {
    if unavailable {
        return Err(Status::unavailable("unavailable in this test"));
    }
    Ok(())
}
