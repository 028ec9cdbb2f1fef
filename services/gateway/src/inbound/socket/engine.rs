//! The Socket.IO library as an HTTP service.

use std::convert::Infallible;
use std::future::{Ready, ready};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::service::Service;
use socketioxide::service::SocketIoService;

/// The path of the library, to which all others are rewritten.
pub(super) const PATH: &str = "/socket.io";

pub(super) type Engine = SocketIoService<NotFound>;

/// The library's fallback for requests of other paths, which `Front` rejects before.
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
