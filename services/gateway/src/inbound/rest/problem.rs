//! Problem documents (RFC 9457), the one form of every error. The kinds of errors get their status here and
//! nowhere else.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use primitives::{Error, ErrorKind, FieldError, Param};
use serde::Serialize;
use utoipa::ToSchema;

tokio::task_local! {
    /// The id of the request that is being answered.
    pub(super) static REQUEST_ID: String;
}

/// An error on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    error: Error,
    allow: Option<&'static [&'static str]>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            status,
            error: Error::new(ErrorKind::Invalid, code, detail),
            allow: None,
        }
    }

    /// The body is no JSON, or no multipart form.
    pub(super) fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Invalid, "request.malformed", detail).into()
    }

    pub(super) fn unsupported_media_type(detail: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "request.unsupported_media_type",
            detail,
        )
    }

    pub(super) fn body_too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "request.timeout",
            "The body did not arrive in time.",
        )
    }

    pub(super) fn head_too_large() -> Self {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(
            status,
            "request.head_too_large",
            "The request's headers are too many or too large.",
        )
    }

    pub(super) fn too_large() -> Self {
        Error::new(
            ErrorKind::TooLarge,
            "request.too_large",
            "The request is too large.",
        )
        .into()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error.kind {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            error,
            allow: None,
        }
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Error::from(error).into()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// What went wrong, as RFC 9457 says it. `message` and `error` repeat `detail` for older clients.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(super) struct ProblemShape<'a> {
    /// Always `about:blank`: `code` says what happened.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'a str,
    status: u16,
    /// One sentence for a person.
    detail: &'a str,
    /// Stable, such as `stream.not_found`.
    #[schema(example = "stream.not_found")]
    code: &'a str,
    /// Joins the log lines of this request; also in the header `X-Request-Id`.
    request_id: &'a str,
    /// The fields that break a rule.
    errors: Vec<FieldShape<'a>>,
    message: &'a str,
    error: &'a str,
}

/// One field that breaks a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldProblem)]
pub(super) struct FieldShape<'a> {
    /// The field's name.
    path: &'a str,
    /// Which kind of rule was broken. Stable, for clients that translate.
    #[schema(example = "out_of_range")]
    code: &'a str,
    /// The numbers and words of the rule, such as `min` and `max`.
    #[schema(value_type = Object)]
    params: BTreeMap<&'a str, ParamShape<'a>>,
    /// The rule in English.
    msg: &'a str,
}

/// A number or a text.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ParamShape<'a> {
    Number(i64),
    Text(&'a str),
}

impl<'a> FieldShape<'a> {
    fn new(field: &'a FieldError) -> Self {
        let shape = |param: &'a Param| match param {
            Param::Number(number) => ParamShape::Number(*number),
            Param::Text(text) => ParamShape::Text(text),
        };
        let params = field.params.iter();
        Self {
            path: &field.path,
            code: &field.code,
            params: params
                .map(|(name, param)| (name.as_ref(), shape(param)))
                .collect(),
            msg: &field.message,
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let request_id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
        let Error {
            code,
            detail,
            fields,
            retry_after,
            ..
        } = &self.error;
        let shape = ProblemShape {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail,
            code,
            request_id: &request_id,
            errors: fields.iter().map(FieldShape::new).collect(),
            message: detail,
            error: detail,
        };
        let mut response = HttpResponseBuilder::new(self.status);
        response.content_type("application/problem+json");
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if let Some(methods) = self.allow {
            response.insert_header((header::ALLOW, methods.join(", ").to_ascii_uppercase()));
        }
        let after = retry_after
            .or((self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1)));
        if let Some(after) = after {
            response.insert_header((header::RETRY_AFTER, after.as_millis().div_ceil(1000).to_string()));
        }
        response.body(serde_json::to_string(&shape).unwrap_or_default())
    }
}

/// No resource of the API has this path.
pub(super) async fn no_such_path() -> Problem {
    Error::new(
        ErrorKind::NotFound,
        "request.path_not_found",
        "There is nothing at this path.",
    )
    .into()
}

/// The resource is there, and does not do this.
pub(super) async fn method_not_allowed(methods: &'static [&'static str]) -> Problem {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "request.method_not_allowed",
        "This path does not take this method.",
    );
    Problem {
        allow: Some(methods),
        ..problem
    }
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
