//! Who is asking, from the headers of a request.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::future::{Ready, ready};
use identity::User;
use primitives::{Error, ErrorKind, FieldError, IdempotencyKey};
use proto::CallContext;

use crate::inbound::rest::Rest;
use crate::inbound::rest::problem::Problem;

/// Names a request that its client may send again.
pub(super) const IDEMPOTENCY_KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// What the guard at the edge found out about a request.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) request_id: String,
    pub(super) client: IpAddr,
}

/// Anyone; a token is not needed, but one that is sent must be good.
#[derive(Debug)]
pub(super) struct Caller {
    user: Option<User>,
    context: CallContext,
}

impl Caller {
    pub(super) fn is_signed_in(&self) -> bool {
        self.user.is_some()
    }

    /// The address of someone who is not signed in.
    pub(super) fn guest(&self) -> Option<IpAddr> {
        self.context.client_address.filter(|_| !self.is_signed_in())
    }

    /// For calls to the other services.
    pub(super) fn context(&self) -> &CallContext {
        &self.context
    }
}

/// Anyone, whatever token they send: signing in anew must work with a token that is over.
#[derive(Debug)]
pub(super) struct Anonymous {
    context: CallContext,
}

impl Anonymous {
    /// For calls to the other services.
    pub(super) fn context(&self) -> &CallContext {
        &self.context
    }
}

/// Someone who is signed in.
#[derive(Debug)]
pub(super) struct SignedIn {
    user: User,
    context: CallContext,
}

impl SignedIn {
    pub(super) fn user(&self) -> &User {
        &self.user
    }

    /// For calls to the other services.
    pub(super) fn context(&self) -> &CallContext {
        &self.context
    }

    /// For calls that take as long as the client's upload: this long, and then what a call may take.
    pub(super) fn patient(&self, patience: Duration) -> CallContext {
        let mut context = self.context.clone();
        context.deadline += patience;
        context
    }
}

/// The client's name for a request that it may send again, from the header `Idempotency-Key`.
#[derive(Debug)]
pub(super) struct Repeatable(Option<IdempotencyKey>);

impl Repeatable {
    /// The same context with the name in it.
    pub(super) fn named(self, context: CallContext) -> CallContext {
        CallContext {
            idempotency_key: self.0,
            ..context
        }
    }
}

impl FromRequest for Repeatable {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            idempotency_key(request.headers())
                .map(Self)
                .map_err(Problem::from),
        )
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, FieldError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY_HEADER);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(IdempotencyKey::parse);
    key.filter(|_| values.next().is_none()).map(Some).ok_or_else(|| {
        FieldError::new(
            "Idempotency-Key",
            "invalid",
            "must be 1 to 255 visible ASCII characters, once",
        )
    })
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map_err(Problem::from))
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(signed_in(request).map_err(Problem::from))
    }
}

impl FromRequest for Anonymous {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            context(request)
                .map(|context| Self { context })
                .map_err(Problem::from),
        )
    }
}

fn context(request: &HttpRequest) -> Result<CallContext, Error> {
    let rest = request.app_data::<Data<Rest>>().ok_or_else(Error::internal)?;
    let arrival = request
        .extensions()
        .get::<Arrival>()
        .cloned()
        .ok_or_else(Error::internal)?;
    Ok(CallContext {
        user_token: None,
        client_address: Some(arrival.client),
        request_id: arrival.request_id,
        deadline: Instant::now() + rest.call_timeout,
        idempotency_key: None,
    })
}

/// Who the token of a request says it is, found out once for each request.
#[derive(Debug, Clone)]
pub(super) struct Identity(pub(super) Result<Option<User>, Error>);

/// Looks at the token, if there is one.
pub(super) async fn identify(rest: &Rest, headers: &HeaderMap) -> Identity {
    Identity(match bearer(headers) {
        Ok(Some(token)) => rest
            .verifier
            .authenticate(token)
            .await
            .map(Some)
            .map_err(Error::from),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    })
}

fn signed_in(request: &HttpRequest) -> Result<SignedIn, Error> {
    let Caller { user, context } = caller(request)?;
    let user = user.ok_or_else(Error::unauthenticated)?;
    Ok(SignedIn { user, context })
}

fn caller(request: &HttpRequest) -> Result<Caller, Error> {
    let identity = request.extensions().get::<Identity>().cloned();
    let Identity(user) = identity.ok_or_else(Error::internal)?;
    let user = user?;
    let context = CallContext {
        user_token: bearer(request.headers())?.map(str::to_owned),
        ..context(request)?
    };
    Ok(Caller { user, context })
}

/// The token of `Authorization: Bearer <token>` (RFC 6750): one header, one token, nothing else.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let invalid = || {
        Error::new(
            ErrorKind::Unauthenticated,
            "auth.token_invalid",
            "The access token is invalid.",
        )
    };
    let mut values = headers.get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(invalid());
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(invalid)?;
    let is_token = !token.is_empty()
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
    if scheme.eq_ignore_ascii_case("bearer") && is_token {
        Ok(Some(token))
    } else {
        Err(invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn only_one_bearer_token_passes() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers)
                .map(|token| token.map(str::to_owned))
                .map_err(|e| e.code.into_owned())
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["Bearer a.b-c_d"]), Ok(Some("a.b-c_d".to_owned())));
        assert_eq!(of(&["bearer a"]), Ok(Some("a".to_owned())));
        let bad: [&[&str]; 9] = [
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearer  a"],
            &["Bearer a b"],
            &["Bearer a,Bearer b"],
            &["Basic YTpi"],
            &["Bearer a", "Bearer b"],
            &["a.b.c"],
        ];
        for values in bad {
            assert_eq!(of(values), Err("auth.token_invalid".to_owned()), "{values:?}");
        }
    }
}
