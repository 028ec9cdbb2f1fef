//! Who is asking, from the headers of a request.

use std::net::IpAddr;
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use domain::{Error, ErrorKind};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, Ready, ready};
use identity::User;
use proto::CallContext;

use crate::inbound::rest::Rest;
use crate::inbound::rest::problem::Problem;

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
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move { Ok(caller(&request).await?) }.boxed_local()
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let Caller { user, context } = caller(&request).await?;
            let user = user.ok_or_else(Error::unauthenticated)?;
            Ok(Self { user, context })
        }
        .boxed_local()
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
    })
}

async fn caller(request: &HttpRequest) -> Result<Caller, Error> {
    let rest = request.app_data::<Data<Rest>>().ok_or_else(Error::internal)?;
    let token = bearer(request.headers())?;
    let user = match token {
        Some(token) => Some(rest.verifier.authenticate(token).await?),
        None => None,
    };
    let context = CallContext {
        user_token: token.map(str::to_owned),
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
