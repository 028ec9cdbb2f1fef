//! Who calls. [`Access`] is a tower layer in front of every gRPC server of the platform: it checks the
//! service token, looks whether the method accepts that service, checks the user's token if there is one, and
//! hands the handlers a [`Caller`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use identity::{ServiceName, ServiceTokens, User, Verifier};
use opentelemetry::propagation::Extractor;
use primitives::{Error, ErrorKind, IdempotencyKey, IdempotentRequest};
use prost::Message;
use tonic::body::Body;
use tonic::{Code, Request, Status};
use tower::{Layer, Service};
use tracing::Instrument;

use crate::{CallContext, IntoStatus, metadata, trace};

/// A call that names no deadline gets this one.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
/// Longest request id that is taken over.
const MAX_REQUEST_ID: usize = 64;

/// Which services may call each method of a server.
#[derive(Clone)]
pub struct Access {
    tokens: ServiceTokens,
    verifier: Verifier,
    methods: Arc<HashMap<String, &'static [ServiceName]>>,
}

impl Access {
    /// The rules of one gRPC service. `service` is its full name, such as
    /// [`tonic::server::NamedService::NAME`]; a method that has no rule accepts nobody.
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
                "This service may not call this method.",
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
            deadline: Instant::now() + timeout(headers).unwrap_or(DEFAULT_DEADLINE),
        })
    }

    /// Without a service token nobody is known: a user's token alone shows a client that found an internal
    /// port.
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
                "This port is for the platform's services.",
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

/// Reads `grpc-timeout`: up to eight digits and a unit (gRPC over HTTP/2, section Requests).
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

/// Who calls, for whom, and for how long they wait.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The calling service.
    pub service: ServiceName,
    /// The user for whom it calls.
    pub user: Option<User>,
    /// The client's address, as the gateway saw it.
    pub client_address: Option<IpAddr>,
    /// Joins the log lines of one request over all services.
    pub request_id: String,
    /// When the caller stops waiting.
    pub deadline: Instant,
    idempotency_key: Option<IdempotencyKey>,
    user_token: Option<String>,
}

impl Caller {
    /// The caller of a request.
    ///
    /// # Errors
    /// Internal, when the server was built without [`Access`].
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::internal().into_status())
    }

    /// The user for whom the call is made.
    ///
    /// # Errors
    /// Unauthenticated, when there is none.
    pub fn user(&self) -> Result<&User, Error> {
        self.user.as_ref().ok_or_else(Error::unauthenticated)
    }

    /// The context for a call that this one needs: the same user, request and deadline.
    #[must_use]
    pub fn context(&self) -> CallContext {
        CallContext {
            user_token: self.user_token.clone(),
            client_address: self.client_address,
            request_id: self.request_id.clone(),
            deadline: self.deadline,
            idempotency_key: None,
        }
    }

    /// What to remember of a request that makes something, if its client means to send it again. The files
    /// that came with it, or their hashes, are a part of what it says.
    ///
    /// # Errors
    /// Unauthenticated, when there is no user.
    pub fn idempotent_request(
        &self,
        operation: &'static str,
        request: &impl Message,
        files: &[&[u8]],
    ) -> Result<Option<IdempotentRequest>, Error> {
        let user = self.user()?.id;
        let Some(key) = self.idempotency_key.clone() else {
            return Ok(None);
        };
        let request = request.encode_to_vec();
        let parts: Vec<&[u8]> = [request.as_slice()]
            .into_iter()
            .chain(files.iter().copied())
            .collect();
        Ok(Some(IdempotentRequest::new(user, operation, key, &parts)))
    }
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
        // The clone may not be ready; the one that was polled is, and goes with this call.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            match access.check(request.uri().path(), request.headers()).await {
                Ok(caller) => {
                    let span = span(&request, &caller);
                    request.extensions_mut().insert(caller);
                    let call = span.in_scope(|| inner.call(request));
                    call.instrument(span).await.map(exhausted)
                }
                Err(error) => Ok(error.into_status().into_http()),
            }
        })
    }
}

/// The library refuses a message above the limit as out of range; gRPC's own implementations say that a
/// resource is exhausted. Our own refusals have details, and stay as they are.
fn exhausted(mut response: http::Response<Body>) -> http::Response<Body> {
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
    fn a_timeout_is_digits_and_a_unit() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(metadata::TIMEOUT, http::HeaderValue::from_static(value));
            timeout(&headers)
        };
        assert_eq!(of("250m"), Some(Duration::from_millis(250)));
        assert_eq!(of("2S"), Some(Duration::from_secs(2)));
        for bad in ["", "S", "12", "123456789S", "-1S", "1x"] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
