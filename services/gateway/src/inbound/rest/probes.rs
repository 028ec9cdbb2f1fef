//! Public probes, with a status only; the internal port names the dependencies.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::inbound::rest::state::Rest;

pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

pub(super) async fn readyz(rest: Data<Rest>) -> HttpResponse {
    if !rest.shutdown.is_stopping() && rest.health.is_ready().await {
        HttpResponse::Ok().json(json!({ "status": "ready" }))
    } else {
        HttpResponse::ServiceUnavailable().json(json!({ "status": "unavailable" }))
    }
}
