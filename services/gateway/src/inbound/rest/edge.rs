//! The middleware around every handler: request id, client address, limits on headers, headers of every
//! answer, logs, metrics and the trace.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpResponse, ResponseError};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::domain::address;
use crate::domain::origin::{CorsPolicy, Origins};
use crate::inbound::rest::caller::Arrival;
use crate::inbound::rest::problem::{Problem, REQUEST_ID};
use crate::inbound::rest::state::Rest;

const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 * 1024;
const MAX_PATH: usize = 4096;
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Headers that only our own proxies and services may set; clients' are removed.
const INTERNAL_PREFIXES: [&str; 3] = ["x-user-", "x-internal-", "x-airwave-"];
/// The web client may load its own files, and media from any host: media nodes and bucket have hosts of their
/// own.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data: http: https:; media-src 'self' blob: \
    http: https:; \
    connect-src 'self' http: https: ws: wss:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// What pages of the configured origins may send and read.
pub(super) fn cors_policy(origins: Origins) -> CorsPolicy {
    CorsPolicy {
        origins,
        methods: "GET, POST, PUT, DELETE",
        request_headers: "authorization, content-type, x-request-id, idempotency-key",
        exposed_headers: "ratelimit-limit, ratelimit-remaining, ratelimit-reset, x-request-id, retry-after",
    }
}

/// Answers preflight requests, and adds CORS headers to all other answers.
pub(super) async fn cors<B: MessageBody + 'static>(
    policy: Data<CorsPolicy>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN).cloned();
    let is_preflight = request.method() == Method::OPTIONS
        && origin.is_some()
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        request
            .into_response(HttpResponse::Ok().finish())
            .map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let origin = origin.as_ref().and_then(|origin| origin.to_str().ok());
    for (name, value) in policy.headers(origin, is_preflight) {
        if let Ok(value) = HeaderValue::from_str(value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// Wraps a request and its answer.
pub(super) async fn guard<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let started = Instant::now();
    let arrival = arrival(&request);
    let request_id = arrival.request_id.clone();
    strip(request.headers_mut());
    let span = tracing::info_span!(
        "http",
        otel.kind = "server",
        otel.name = tracing::field::Empty,
        http.request.method = known_method(request.method()),
        http.response.status_code = tracing::field::Empty,
        request_id,
    );
    request.extensions_mut().insert(arrival);

    let mut response = REQUEST_ID
        .scope(request_id.clone(), async {
            if head_fits(&request) {
                next.call(request).await.map(ServiceResponse::map_into_left_body)
            } else {
                Ok(request
                    .into_response(Problem::head_too_large().error_response())
                    .map_into_right_body())
            }
        })
        .instrument(span.clone())
        .await?;

    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| "other".to_owned());
    let (method, status) = (
        known_method(response.request().method()),
        response.status().as_u16(),
    );
    finish(
        response.request().path().to_owned().as_str(),
        response.headers_mut(),
        &request_id,
    );
    span.record("otel.name", format!("{method} {route}"));
    span.record("http.response.status_code", status);
    let seconds = started.elapsed().as_secs_f64();
    let labels = [
        ("method", method.to_owned()),
        ("route", route.clone()),
        ("status", status.to_string()),
    ];
    metrics::histogram!("gateway_http_request_seconds", &labels).record(seconds);
    let ms = started.elapsed().as_millis();
    span.in_scope(|| tracing::info!(method, route, status, ms, "request"));
    Ok(response)
}

fn arrival(request: &ServiceRequest) -> Arrival {
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let trusted = request
        .app_data::<Data<Rest>>()
        .map_or(&[][..], |rest| &rest.trusted);
    let forwarded = request.headers().get_all(address::FORWARDED_FOR);
    let sent = request
        .headers()
        .get(REQUEST_ID_HEADER)
        .and_then(|id| id.to_str().ok())
        .filter(|id| is_sane(id));
    Arrival {
        request_id: sent.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
        client: address::client(peer, forwarded.map(HeaderValue::as_bytes), trusted),
    }
}

/// Whether an id may be copied to logs and metadata.
fn is_sane(id: &str) -> bool {
    (8..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn strip(headers: &mut HeaderMap) {
    let internal = |name: &&HeaderName| {
        INTERNAL_PREFIXES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
    };
    let names: Vec<HeaderName> = headers.keys().filter(internal).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn head_fits(request: &ServiceRequest) -> bool {
    let bytes: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    request.headers().len() <= MAX_HEADERS
        && bytes <= MAX_HEADER_BYTES
        && request
            .uri()
            .path_and_query()
            .is_none_or(|path| path.as_str().len() <= MAX_PATH)
}

/// Groups unknown methods, which would otherwise create metrics without bound.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

fn finish(path: &str, headers: &mut HeaderMap, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    let is_api = path.starts_with("/api/") || path == "/api";
    let is_page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let mut set =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    if is_api {
        set(header::CONTENT_SECURITY_POLICY, API_POLICY);
        // Answers depend on the caller.
        set(header::CACHE_CONTROL, "no-store");
    } else if is_page {
        set(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_request_ids_are_accepted() {
        assert!(is_sane("0191d3c4-7a5b-7000-8000-000000000000"));
        for bad in ["short", "with space in it", "line\nbreak-line", &"x".repeat(65)] {
            assert!(!is_sane(bad), "{bad:?}");
        }
    }

    #[test]
    fn internal_headers_are_removed() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-user-id",
            "x-internal-token",
            "x-airwave-service",
            "x-request-id",
            "accept",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-request-id"]);
    }
}
