//! The S3 server of `airwave-stack s3`: s3s-fs over a folder, which verifies signatures and allows requests
//! from any origin.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::service::{Service, service_fn};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::{TcpListener, TcpStream};

/// Serves a folder until `until` completes.
pub async fn serve(
    root: &Path,
    listen: SocketAddr,
    key_id: &str,
    secret: &str,
    until: impl Future<Output = ()>,
) -> Result<()> {
    let files =
        FileSystem::new(root).map_err(|error| anyhow!("cannot serve {}: {error:?}", root.display()))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(key_id, secret));
    let service = builder.build();
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let mut until = std::pin::pin!(until);
    loop {
        tokio::select! {
            () = &mut until => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(connection(stream, service.clone()))),
                Err(error) => tracing::warn!(%error, "cannot accept a connection"),
            },
        }
    }
}

async fn connection(stream: TcpStream, service: S3Service) {
    let answer = service_fn(move |request| answer(service.clone(), request));
    if let Err(error) = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await
    {
        tracing::debug!(error, "connection failed");
    }
}

async fn answer(service: S3Service, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = Response::new(Body::empty());
    if is_preflight {
        *response.status_mut() = StatusCode::NO_CONTENT;
    } else {
        match Service::call(&service, request).await {
            Ok(answer) => response = answer,
            Err(error) => {
                tracing::error!(?error, "request failed");
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
        }
    }
    allow_any_origin(response.headers_mut());
    Ok(response)
}

/// Allows every origin: the signature in the URL decides about access.
fn allow_any_origin(headers: &mut HeaderMap) {
    let values: [(HeaderName, &str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Range"),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "Content-Length, Content-Range, ETag",
        ),
    ];
    for (name, value) in values {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
