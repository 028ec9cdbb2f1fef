//! The description of the API, made from the handlers.

mod bounds;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use serde_json::Value;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, Ref, RefOr, Response};
use utoipa::{Modify, OpenApi};

use crate::inbound::rest::chat::{moderation, settings};
use crate::inbound::rest::problem::{FieldShape, ProblemShape};
use crate::inbound::rest::streams::lists;
use crate::inbound::rest::vods::uploads;
use crate::inbound::rest::{Rest, account, admin, categories, chat, notifications, streams, users, vods};

pub(crate) use bounds::bound_properties;

/// What an operation whose request has a name may answer besides.
const REUSED: (&str, &str) = ("422", "The Idempotency-Key was used for another request");

/// What any operation may answer instead of what was asked for.
const PROBLEMS: [(&str, &str); 13] = [
    ("400", "The request is malformed, or a field breaks a rule"),
    ("401", "Nobody is signed in, or the token is not accepted"),
    ("403", "The caller may not do this"),
    ("404", "It does not exist, or the caller may not see it"),
    ("405", "This path does not take this method"),
    ("408", "The body did not arrive in time"),
    ("409", "It contradicts what is there already"),
    ("413", "The request is too large"),
    ("415", "The body has another type"),
    ("429", "Too many requests; see Retry-After"),
    ("431", "The request's headers are too many or too large"),
    ("500", "A defect of ours"),
    (
        "503",
        "Something that the answer needs cannot be reached; see Retry-After",
    ),
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Airwave",
        description = "Live streaming: accounts, streams, videos on demand, chat and notifications. Errors are problem \
            documents (RFC 9457) with a stable `code`. Lists go by `page` and `limit`, and long ones by the `cursor` that the \
            answer before gave."
    ),
    paths(
        users::register, users::login, users::refresh, users::logout, users::me, account::delete, account::update_profile,
        account::change_password, admin::list, admin::set_role, admin::ban, admin::unban, users::profile, users::followers,
        users::following, users::follow, users::unfollow, users::unfollow_by_post, users::unfollow_by_name,
        lists::list, lists::search, streams::create, streams::get, streams::update, streams::delete, streams::rotate_key, streams::stop,
        streams::broadcasts, vods::latest_of_stream, vods::list, vods::search, uploads::upload, uploads::import, vods::get, vods::update,
        vods::refresh_url, vods::retry, vods::delete, categories::list, categories::search, categories::get,
        categories::create, categories::update, categories::delete,
        chat::list, chat::send, chat::delete, settings::get, settings::update, moderation::bans, moderation::ban,
        moderation::unban, moderation::moderators, moderation::add_moderator, moderation::remove_moderator, moderation::log,
        notifications::list, notifications::unread_count, notifications::read_all,
        notifications::read,
    ),
    components(schemas(ProblemShape, FieldShape)),
    modifiers(&Problems),
)]
struct Api;

struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let named = operation.parameters.iter().flatten().any(is_idempotency_key);
                for (status, description) in PROBLEMS.into_iter().chain(named.then_some(REUSED)) {
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
    bounds::write(&mut document);
    document
}

pub(super) async fn serve(rest: Data<Rest>) -> HttpResponse {
    described(&rest.openapi)
}

/// The description of the sockets, from the same place.
pub(super) async fn serve_asyncapi(rest: Data<Rest>) -> HttpResponse {
    described(&rest.asyncapi)
}

fn described(document: &Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document.clone())
}
