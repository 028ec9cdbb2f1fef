//! What requests hold: ids in paths, query parameters, JSON bodies. Each is checked before a handler sees it.

use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::future::{LocalBoxFuture, Ready, ready};
use futures::{FutureExt, StreamExt};
use primitives::{Error, FieldError, PageRequest};
use serde::de::DeserializeOwned;

use crate::inbound::rest::Rest;
use crate::inbound::rest::problem::Problem;

/// Largest JSON body.
const MAX_JSON: usize = 64 * 1024;

/// The id in the path, named `id` or `streamId`.
pub(super) struct Id<T>(pub(super) T);

impl<T: FromStr> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parts = request.match_info();
        let (name, text) = match (parts.get("id"), parts.get("streamId")) {
            (Some(text), _) => ("id", text),
            (None, text) => ("streamId", text.unwrap_or_default()),
        };
        ready(
            text.parse()
                .map(Self)
                .map_err(|_| FieldError::invalid_id(name).into()),
        )
    }
}

/// A text in the path.
pub(super) fn segment(request: &HttpRequest, name: &str) -> String {
    request.match_info().query(name).to_owned()
}

/// Query parameters; unknown ones are passed over.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = serde_urlencoded::from_str(request.query_string());
        ready(parsed.map(Self).map_err(|error| {
            let text = error.to_string();
            FieldError::new(
                quoted(&text).unwrap_or("query").to_owned(),
                "invalid",
                "is given twice or is no text",
            )
            .into()
        }))
    }
}

/// Which page is asked for, as lists take it.
#[derive(Debug, Default, Clone, serde::Deserialize)]
pub(super) struct PageQuery {
    pub(super) page: Option<String>,
    pub(super) limit: Option<String>,
    pub(super) cursor: Option<String>,
}

impl PageQuery {
    /// The page, with its defaults and within its bounds.
    pub(super) fn parse(&self) -> Result<PageRequest, FieldError> {
        let page = number("page", self.page.as_deref())?;
        let limit = number("limit", self.limit.as_deref())?;
        PageRequest::parse(page, limit, self.cursor.as_deref())
    }
}

/// A number in the query; no sign, no exponent.
pub(super) fn number<T: FromStr>(name: &'static str, text: Option<&str>) -> Result<Option<T>, FieldError> {
    let parse = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| text.parse().ok())
            .flatten()
            .ok_or_else(|| FieldError::new(name, "invalid", "must be a number"))
    };
    text.map(parse).transpose()
}

/// A truth value in the query.
pub(super) fn flag_text(name: &'static str, text: &str) -> Result<bool, FieldError> {
    text.parse()
        .map_err(|_| FieldError::not_one_of(name, &["true", "false"]))
}

/// An id in the query.
pub(super) fn id<T: FromStr>(name: &'static str, text: Option<&str>) -> Result<Option<T>, FieldError> {
    text.map(|text| text.parse().map_err(|_| FieldError::invalid_id(name)))
        .transpose()
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

/// Reads a JSON body: its type, its size, its time, its shape.
pub(super) async fn json<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, Problem> {
    let has_body = request.headers().contains_key(header::CONTENT_TYPE);
    let is_json = request.content_type().eq_ignore_ascii_case("application/json");
    if has_body && !is_json {
        return Err(Problem::unsupported_media_type(
            "The body must be application/json.",
        ));
    }
    let timeout = body_timeout(request)?;
    let body = tokio::time::timeout(timeout, read(request, payload))
        .await
        .map_err(|_| Problem::body_too_slow())??;
    if body.is_empty() {
        return Err(Problem::malformed("The body must be JSON."));
    }
    if !has_body {
        return Err(Problem::unsupported_media_type(
            "The body must be application/json.",
        ));
    }
    parse(&body)
}

async fn read(request: &HttpRequest, mut payload: Payload) -> Result<BytesMut, Problem> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if announced
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > MAX_JSON)
    {
        return Err(Problem::too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("The body is incomplete."))?;
        if body.len() + chunk.len() > MAX_JSON {
            return Err(Problem::too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // An array would be taken for the fields in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(FieldError::new("body", "invalid", "must be an object").into());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| misfit(&error))?;
    json.end()
        .map_err(|_| Problem::malformed("Something follows the body's JSON."))?;
    Ok(value)
}

/// Gives the fields of a form their types.
pub(super) fn shaped<T: DeserializeOwned>(fields: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(fields).map_err(|error| misfit(&error))
}

fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if !error.inner().is_data() {
        return Problem::malformed("The body is not JSON.");
    }
    let (text, path) = (error.inner().to_string(), error.path().to_string());
    if let Some(missing) = text.strip_prefix("missing field ").and_then(quoted) {
        return FieldError::required(missing.to_owned()).into();
    }
    let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
    let path = if path == "." { "body".to_owned() } else { path };
    FieldError::new(path, "invalid", format!("does not fit: {reason}")).into()
}

/// How long this request's body may take.
pub(super) fn body_timeout(request: &HttpRequest) -> Result<Duration, Problem> {
    let rest = request.app_data::<Data<Rest>>().ok_or_else(Error::internal)?;
    Ok(rest.body_timeout)
}

/// What stands between the first two backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only the reading is looked at")]
    struct Body {
        name: String,
        age: Option<u32>,
    }

    fn status_of(body: &str) -> (u16, String) {
        let problem = parse::<Body>(body.as_bytes()).unwrap_err();
        (problem.status_code().as_u16(), problem.to_string())
    }

    #[test]
    fn a_body_that_does_not_fit_names_its_field() {
        assert!(parse::<Body>(br#"{"name": "x", "extra": 1}"#).is_ok());
        for malformed in ["{", r#"{"name": "x"} x"#, "x", r#"{"name": "\x"}"#] {
            assert_eq!(status_of(malformed).0, 400, "{malformed}");
        }
        assert_eq!(status_of("{}").1, "name is missing.");
        assert!(
            status_of(r#"{"name": "x", "age": -1}"#)
                .1
                .starts_with("age does not fit: invalid value")
        );
        for array in ["[]", " [\"x\", 1]"] {
            assert_eq!(status_of(array).1, "body must be an object.", "{array}");
        }
    }

    #[test]
    fn numbers_in_the_query_are_digits() {
        assert_eq!(number::<u32>("page", Some("7")), Ok(Some(7)));
        assert_eq!(number::<u32>("page", None), Ok(None));
        for bad in ["", "-1", "+1", "1e9", "99999999999", "x", "1.5"] {
            assert!(number::<u32>("page", Some(bad)).is_err(), "{bad}");
        }
    }
}
