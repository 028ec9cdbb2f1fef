//! Verifies the caller's token and limits the rate of requests before a handler runs: `RateLimit-*` on every
//! counted answer, 429 with `Retry-After` above the rate (draft-ietf-httpapi-ratelimit-headers-07, the form
//! with three headers).

use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, ResponseError};
use primitives::address::network;
use primitives::{Error, ErrorKind, Rate};

use crate::domain::limits::Group;
use crate::inbound::rest::caller::{Arrival, Identity, identify};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::store::limits::RateDecision;

const RATE_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

/// Applies the rate limits to requests of the API.
pub(super) async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let Some((rate, decision)) = decide(&request).await else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let mut response = if decision.passes {
        next.call(request).await?.map_into_left_body()
    } else {
        request
            .into_response(too_many(decision.reset).error_response())
            .map_into_right_body()
    };
    add_headers(response.headers_mut(), rate, decision);
    Ok(response)
}

async fn decide(request: &ServiceRequest) -> Option<(Rate, RateDecision)> {
    let group = Group::of(request.method().as_str(), request.path())?;
    let rest = request.app_data::<Data<Rest>>()?;
    let identity = identify(rest, request.headers()).await;
    let party = party(group, &identity, request);
    request.extensions_mut().insert(identity);
    let rate = rest.rates.of(group)?;
    Some((rate, rest.limits.take(group, &party?, rate).await))
}

/// The party whose requests are counted together: a user across devices, a guest by network.
fn party(group: Group, identity: &Identity, request: &ServiceRequest) -> Option<String> {
    match (group, identity) {
        (Group::Upload | Group::Write | Group::Read, Identity(Ok(Some(user)))) => {
            Some(format!("user:{}", user.id))
        }
        _ => Some(network(request.extensions().get::<Arrival>()?.client).to_string()),
    }
}

fn too_many(wait: Duration) -> Problem {
    let error = Error::new(
        ErrorKind::RateLimited,
        "request.too_many",
        "Too many requests. Try again later.",
    );
    error.retry_after(wait).into()
}

fn add_headers(headers: &mut HeaderMap, rate: Rate, decision: RateDecision) {
    let reset = decision.reset.as_millis().div_ceil(1000);
    let values = [u128::from(rate.burst), u128::from(decision.remaining), reset];
    for (name, value) in RATE_HEADERS.into_iter().zip(values) {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            headers.insert(name, value);
        }
    }
}
