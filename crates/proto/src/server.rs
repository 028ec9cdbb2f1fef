//! Authentication and authorisation of gRPC callers.
//!
//! [`Access`] is a tower layer in front of every gRPC server. It verifies the service token, checks that the
//! calling service may call the method, verifies the user's token if there is one, and passes a [`Caller`] to
//! the handler.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use identity::{ServiceName, ServiceTokens, Verifier};
use opentelemetry::propagation::Extractor;
use primitives::{Error, ErrorKind, IdempotencyKey};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument;

use crate::caller::Caller;
use crate::status::IntoStatus;
use crate::{metadata, trace};

/// The time that a call without a timeout gets.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer request ids are replaced.
const MAX_REQUEST_ID: usize = 64;

/// Which services may call each method of a server.
#[derive(Clone)]
pub struct Access {
    tokens: ServiceTokens,
    verifier: Verifier,
    methods: Arc<HashMap<String, &'static [ServiceName]>>,
}

impl Access {
    /// Creates the rules of one gRPC service. `service` is its full name,
    /// [`tonic::server::NamedService::NAME`]. Calls to a method without a rule are rejected.
    #[must_use]
    pub fn new(
        tokens: ServiceTokens,
        verifier: Verifier,
        service: &str,
        methods: &[(&str, &'static [ServiceName])],
    ) -> Self {
        let methods = methods
            .iter()
            .map(|(method, callers)| (format!("/{service}/{method}"), *callers))
            .collect();
        Self {
            tokens,
            verifier,
            methods: Arc::new(methods),
        }
    }

    async fn check(&self, path: &str, headers: &HeaderMap) -> Result<Caller, Error> {
        let service = self.service(headers)?;
        if !self
            .methods
            .get(path)
            .is_some_and(|callers| callers.contains(&service))
        {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "service.forbidden",
                "The calling service may not call this method.",
            ));
        }
        let user_token = text(headers, metadata::AUTHORIZATION)
            .map(|value| value.strip_prefix("Bearer ").unwrap_or_default().to_owned());
        let user = match &user_token {
            Some(token) => Some(self.verifier.authenticate(token).await?),
            None => None,
        };
        Ok(Caller {
            service,
            user,
            user_token,
            client_address: text(headers, metadata::CLIENT_ADDRESS).and_then(|a| a.parse().ok()),
            request_id: request_id(headers),
            idempotency_key: text(headers, metadata::IDEMPOTENCY_KEY).and_then(IdempotencyKey::parse),
            deadline: Instant::now() + timeout(headers).unwrap_or(DEFAULT_TIMEOUT),
        })
    }

    /// Identifies the calling service. A user's token without a service token comes from a client that found
    /// an internal port.
    fn service(&self, headers: &HeaderMap) -> Result<ServiceName, Error> {
        match text(headers, metadata::SERVICE) {
            Some(token) => self.tokens.verify(token).map_err(|_| {
                Error::new(
                    ErrorKind::Unauthenticated,
                    "service.token_invalid",
                    "The service token is invalid.",
                )
            }),
            None if headers.contains_key(metadata::AUTHORIZATION) => Err(Error::new(
                ErrorKind::Forbidden,
                "service.forbidden",
                "This port is only for internal services.",
            )),
            None => Err(Error::new(
                ErrorKind::Unauthenticated,
                "service.token_missing",
                "The service token is missing.",
            )),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn request_id(headers: &HeaderMap) -> String {
    text(headers, metadata::REQUEST_ID)
        .filter(|id| id.len() <= MAX_REQUEST_ID)
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

/// Parses `grpc-timeout`: up to eight digits and a unit (gRPC over HTTP/2, section "Requests").
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, metadata::TIMEOUT)?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

impl<S> Layer<S> for Access {
    type Service = Checked<S>;

    fn layer(&self, inner: S) -> Checked<S> {
        Checked {
            access: self.clone(),
            inner,
        }
    }
}

/// A gRPC server behind [`Access`].
#[derive(Clone)]
pub struct Checked<S> {
    access: Access,
    inner: S,
}

impl<S> Service<http::Request<Body>> for Checked<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let access = self.access.clone();
        // Only the service that was polled is ready, so this call takes it and leaves the clone.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            match access.check(request.uri().path(), request.headers()).await {
                Ok(caller) => {
                    let span = span(&request, &caller);
                    request.extensions_mut().insert(caller);
                    let call = span.in_scope(|| inner.call(request));
                    call.instrument(span).await.map(correct_size_error)
                }
                Err(error) => Ok(error.into_status().into_http()),
            }
        })
    }
}

/// tonic rejects a message above the size limit with `OUT_OF_RANGE`, but other gRPC implementations with
/// `RESOURCE_EXHAUSTED`, which this restores. Errors of our own services have details and stay as they are.
fn correct_size_error(mut response: http::Response<Body>) -> http::Response<Body> {
    let headers = response.headers_mut();
    let is = |code: Code, headers: &HeaderMap| {
        let status = headers.get(Status::GRPC_STATUS);
        status.is_some_and(|status| status.as_bytes() == i32::from(code).to_string().as_bytes())
    };
    if is(Code::OutOfRange, headers) && !headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        headers.insert(
            Status::GRPC_STATUS,
            HeaderValue::from(i32::from(Code::ResourceExhausted)),
        );
    }
    response
}

fn span(request: &http::Request<Body>, caller: &Caller) -> tracing::Span {
    let span = tracing::info_span!(
        "rpc",
        otel.name = request.uri().path().trim_start_matches('/'),
        otel.kind = "server",
        caller = caller.service.as_str(),
        request_id = caller.request_id,
        user_id = caller.user.as_ref().map(|u| u.id.0),
    );
    trace::continue_from(&span, &Headers(request.headers()));
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        text(self.0, key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_is_digits_and_a_unit() {
        let parse = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(metadata::TIMEOUT, http::HeaderValue::from_static(value));
            timeout(&headers)
        };
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("2S"), Some(Duration::from_secs(2)));
        for bad in ["", "S", "12", "123456789S", "-1S", "1x"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
