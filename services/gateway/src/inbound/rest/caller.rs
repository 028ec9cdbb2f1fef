//! The caller of a request, from its headers.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::future::{Ready, ready};
use identity::User;
use primitives::{Error, ErrorKind};
use proto::CallContext;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;

use crate::inbound::rest::endpoints::{Describe, Schemas};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;

/// What the edge knows about a request.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) request_id: String,
    pub(super) client: IpAddr,
}

/// A user or a guest; a token is optional, but must be valid if sent.
#[derive(Debug)]
pub(super) struct Caller {
    user: Option<User>,
    context: CallContext,
}

impl Caller {
    pub(super) fn is_guest(&self) -> bool {
        self.user.is_none()
    }

    /// The address of a guest.
    pub(super) fn guest(&self) -> Option<IpAddr> {
        self.context.client_address.filter(|_| self.is_guest())
    }

    pub(super) fn context(&self) -> &CallContext {
        &self.context
    }
}

/// Any caller, whose token is ignored: a client with an expired token must be able to sign in again.
#[derive(Debug)]
pub(super) struct Anonymous {
    context: CallContext,
}

impl Anonymous {
    pub(super) fn context(&self) -> &CallContext {
        &self.context
    }
}

#[derive(Debug)]
pub(super) struct SignedIn {
    user: User,
    context: CallContext,
}

impl SignedIn {
    pub(super) fn user(&self) -> &User {
        &self.user
    }

    pub(super) fn context(&self) -> &CallContext {
        &self.context
    }

    /// The context of a call that waits up to `upload` for the client's upload before its own work begins.
    pub(super) fn upload_context(&self, upload: Duration) -> CallContext {
        let mut context = self.context.clone();
        context.deadline += upload;
        context
    }
}

fn bearer_security() -> SecurityRequirement {
    SecurityRequirement::new::<_, [&str; 0], &str>("bearer", [])
}

impl Describe for Caller {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.security = Some(vec![SecurityRequirement::default(), bearer_security()]);
    }
}

impl Describe for SignedIn {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.security = Some(vec![bearer_security()]);
    }
}

impl Describe for Anonymous {}

impl Describe for Data<Rest> {}

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
    let arrival = request.extensions().get::<Arrival>().cloned();
    let Arrival { request_id, client } = arrival.ok_or_else(Error::internal)?;
    Ok(CallContext {
        client_address: Some(client),
        request_id,
        ..CallContext::background(rest.call_timeout)
    })
}

/// The user of a request's token, which is verified once per request.
#[derive(Debug, Clone)]
pub(super) struct Identity(pub(super) Result<Option<User>, Error>);

/// Verifies the token, if there is one.
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

/// The token of `Authorization: Bearer <token>` (RFC 6750); several headers or tokens are an error.
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
    fn one_bearer_token_is_accepted() {
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
