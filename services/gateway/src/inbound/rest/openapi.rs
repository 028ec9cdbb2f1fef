//! The description of the API, generated from its endpoints.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use serde_json::Value;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, Response};
use utoipa::{Modify, OpenApi};

use crate::inbound::field::simplify;
use crate::inbound::rest::api;
use crate::inbound::rest::dto::{FieldProblem, ProblemBody};
use crate::inbound::rest::endpoints::Endpoints;
use crate::inbound::rest::state::Rest;

/// The problem of an operation with an idempotency key.
const REUSED_KEY: (&str, &str) = ("422", "The Idempotency-Key was used for another request");

/// The problems of every operation.
const PROBLEMS: [(&str, &str); 13] = [
    ("400", "The request is malformed, or a field is not valid"),
    ("401", "The caller is not signed in, or the token is not accepted"),
    ("403", "The caller is not allowed to do this"),
    ("404", "Not found, or not visible to the caller"),
    ("405", "Method not allowed"),
    ("408", "The body took too long to arrive"),
    ("409", "Conflicts with the current state"),
    ("413", "The request is too large"),
    ("415", "The type of the body is not supported"),
    ("429", "Too many requests; see Retry-After"),
    ("431", "The request has too many or too large headers"),
    ("500", "Internal error"),
    ("503", "A required service is unavailable; see Retry-After"),
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Airwave",
        description = "Live streaming: accounts, streams, videos on demand, chat and notifications. Errors are \
            problem documents (RFC 9457) with a stable `code`. Lists take `page` and `limit`; long lists also \
            take the `cursor` of the previous answer."
    ),
    components(schemas(ProblemBody, FieldProblem)),
    modifiers(&AllEndpoints, &Problems),
)]
struct Api;

struct AllEndpoints;

impl Modify for AllEndpoints {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let Endpoints { paths, schemas, .. } = api::endpoints();
        document.paths = paths;
        let components = document.components.get_or_insert_default();
        components.schemas.extend(schemas);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Adds the problems to each operation.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let idempotent = operation.parameters.iter().flatten().any(is_idempotency_key);
                for (status, description) in PROBLEMS.into_iter().chain(idempotent.then_some(REUSED_KEY)) {
                    let responses = &mut operation.responses.responses;
                    responses
                        .entry(status.to_owned())
                        .or_insert_with(|| RefOr::T(problem(description)));
                }
            }
        }
    }
}

fn is_idempotency_key(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.name == "Idempotency-Key")
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = utoipa::openapi::ContentBuilder::new()
        .schema(Some(schema))
        .build();
    utoipa::openapi::ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}

/// The whole description.
pub(crate) fn document() -> Value {
    let mut document = serde_json::to_value(Api::openapi()).unwrap_or_default();
    simplify(&mut document);
    document
}

pub(super) async fn openapi(rest: Data<Rest>) -> HttpResponse {
    served(&rest.openapi)
}

pub(super) async fn asyncapi(rest: Data<Rest>) -> HttpResponse {
    served(&rest.asyncapi)
}

fn served(document: &Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::App;
    use actix_web::http::{Method, StatusCode};
    use actix_web::test::{TestRequest, call_service, init_service};

    use super::*;

    #[actix_web::test]
    async fn every_described_operation_is_routed() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let app = App::new().configure(|config| api::endpoints().register(config));
        let app = init_service(app).await;
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = TestRequest::default().method(method.clone()).uri(path);
                let status = call_service(&app, request.to_request()).await.status();
                // Without its state, a handler fails.
                assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{method} {path}");
            }
        }
    }

    #[test]
    fn every_operation_has_its_own_id_and_can_fail() {
        let document = document();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(ids.insert(id), "{method} {path}");
                assert!(operation["responses"]["503"].is_object(), "{method} {path}");
                assert!(operation["tags"][0].is_string(), "{method} {path}");
            }
        }
    }
}
