//! Extractors of paths, queries and JSON bodies. Each reads a request type of [`dto`](super::dto) and
//! describes it.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::future::{LocalBoxFuture, Ready, ready};
use futures::{FutureExt, StreamExt};
use primitives::{Error, FieldError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::path::Operation;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use crate::inbound::field::{self, ReadError};
use crate::inbound::rest::endpoints::{Describe, Schemas, add_parameters};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;

const MAX_JSON_BYTES: usize = 64 * 1024;

/// The parameters of a path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parameters = request.match_info().iter();
        let fields = parameters.map(|(name, text)| (name.to_owned(), text.into()));
        ready(read_fields(fields.collect()).map(Self))
    }
}

impl<T: IntoParams> Describe for Path<T> {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        add_parameters(operation, T::into_params(|| None));
    }
}

/// The parameters of a query; unknown ones are ignored.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query(request.query_string()).map(Self))
    }
}

impl<T: IntoParams> Describe for Query<T> {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        add_parameters(operation, T::into_params(|| None));
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text)
        .map_err(|_| FieldError::new("query", "malformed", "must be URL-encoded UTF-8"))?;
    let mut fields = Map::new();
    for (name, text) in pairs {
        add_text(&mut fields, name, text);
    }
    let repeated = |path: &str| fields.get(path).is_some_and(Value::is_array);
    field::read(Value::Object(fields.clone())).map_err(|error| match error {
        ReadError::Field(error) if repeated(&error.path) => {
            FieldError::new(error.path, "repeated", "must be given once").into()
        }
        error => error.into(),
    })
}

/// Adds a text field. One that is given several times becomes a list, as forms send it.
pub(super) fn add_text(fields: &mut Map<String, Value>, name: String, text: String) {
    let text = Value::String(text);
    match fields.get_mut(&name) {
        None => drop(fields.insert(name, text)),
        Some(Value::Array(list)) => list.push(text),
        Some(first) => *first = Value::Array(vec![first.take(), text]),
    }
}

/// Reads a request type from text fields.
pub(super) fn read_fields<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Problem> {
    Ok(field::read(Value::Object(fields))?)
}

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move { json(&request, payload).await.map(Self) }.boxed_local()
    }
}

impl<T: ToSchema> Describe for Json<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        add_body::<T>(operation, schemas, "application/json");
    }
}

/// Adds a type of body to an operation.
pub(super) fn add_body<T: ToSchema>(operation: &mut Operation, schemas: &mut Schemas, content_type: &str) {
    let mut body = match operation.request_body.take() {
        Some(RefOr::T(body)) => body,
        _ => RequestBodyBuilder::new().required(Some(Required::True)).build(),
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name())));
    body.content
        .insert(content_type.to_owned(), RefOr::T(content.build()));
    operation.request_body = Some(RefOr::T(body));
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

/// Reads a JSON body within the limits on its type, size and time.
pub(super) async fn json<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, Problem> {
    let has_type = request.headers().contains_key(header::CONTENT_TYPE);
    let is_json = request.content_type().eq_ignore_ascii_case("application/json");
    let unsupported = || Problem::unsupported_media_type("The body must be application/json.");
    if has_type && !is_json {
        return Err(unsupported());
    }
    let timeout = body_timeout(request)?;
    let body = tokio::time::timeout(timeout, read_body(request, payload))
        .await
        .map_err(|_| Problem::body_too_slow())??;
    if body.is_empty() {
        return Err(Problem::malformed("The body must be JSON."));
    }
    if !has_type {
        return Err(unsupported());
    }
    parse(&body)
}

async fn read_body(request: &HttpRequest, mut payload: Payload) -> Result<BytesMut, Problem> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_JSON_BYTES) {
        return Err(Problem::too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("The body is incomplete."))?;
        if body.len() + chunk.len() > MAX_JSON_BYTES {
            return Err(Problem::too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // serde would read an array as the fields in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(FieldError::new("body", "wrong_type", "must be an object").into());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = field::read(&mut json)?;
    json.end()
        .map_err(|_| Problem::malformed("The body has text after its JSON."))?;
    Ok(value)
}

/// How long the body of this request may take.
pub(super) fn body_timeout(request: &HttpRequest) -> Result<Duration, Problem> {
    let rest = request.app_data::<Data<Rest>>().ok_or_else(Error::internal)?;
    Ok(rest.body_timeout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::rest::dto::PageQuery;
    use actix_web::ResponseError;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Body {
        name: String,
        age: Option<u32>,
    }

    fn error_of(body: &str) -> (u16, String) {
        let problem = parse::<Body>(body.as_bytes()).unwrap_err();
        (problem.status_code().as_u16(), problem.to_string())
    }

    #[test]
    fn invalid_body_names_its_field() {
        assert!(parse::<Body>(br#"{"name": "x", "extra": 1}"#).is_ok());
        for malformed in ["{", r#"{"name": "x"} x"#, "x", r#"{"name": "\x"}"#] {
            assert_eq!(error_of(malformed).0, 400, "{malformed}");
        }
        assert_eq!(error_of("{}").1, "name is required.");
        assert!(
            error_of(r#"{"name": "x", "age": -1}"#)
                .1
                .starts_with("age is not valid: invalid value")
        );
        for array in ["[]", " [\"x\", 1]"] {
            assert_eq!(error_of(array).1, "body must be an object.", "{array}");
        }
    }

    #[test]
    fn numbers_in_a_query_are_digits() {
        assert!(query::<PageQuery>("page=12&limit=100&other=1&other=2").is_ok());
        for bad in [
            "page=",
            "page=-1",
            "page=%2B1",
            "page=1e3",
            "page=1.0",
            "page=x",
            "page=4294967296",
        ] {
            assert!(query::<PageQuery>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn repeated_parameter_is_an_error() {
        let error = query::<PageQuery>("page=1&page=2").err().unwrap();
        assert_eq!(error.to_string(), "page must be given once.");
    }
}
