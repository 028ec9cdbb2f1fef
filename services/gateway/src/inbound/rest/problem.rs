//! Problems (RFC 9457), the only form of an error. Here, and nowhere else, a kind of error becomes a status.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use primitives::{Error, ErrorKind, FieldError};

use crate::inbound::field::ReadError;
use crate::inbound::rest::dto::{FieldProblem, ProblemBody};

tokio::task_local! {
    /// The id of the current request.
    pub(super) static REQUEST_ID: String;
}

/// An error as a client gets it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    error: Error,
    /// The methods that the resource allows, if the error is about the method.
    allow: Option<Box<str>>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            status,
            error: Error::new(ErrorKind::Invalid, code, detail),
            allow: None,
        }
    }

    /// The body is not valid JSON, or not a valid form.
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
            "The body took too long to arrive.",
        )
    }

    pub(super) fn head_too_large() -> Self {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(
            status,
            "request.head_too_large",
            "The request has too many or too large headers.",
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

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Syntax => Self::malformed("The body is not JSON."),
            ReadError::Field(error) => error.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
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
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail,
            code,
            request_id: &request_id,
            errors: fields.iter().map(FieldProblem::from).collect(),
            message: detail,
            error: detail,
        };
        let mut response = HttpResponseBuilder::new(self.status);
        response.content_type("application/problem+json");
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if let Some(methods) = self.allow.as_deref() {
            response.insert_header((header::ALLOW, methods));
        }
        let after = retry_after
            .or((self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1)));
        if let Some(after) = after {
            response.insert_header((header::RETRY_AFTER, after.as_millis().div_ceil(1000).to_string()));
        }
        response.body(serde_json::to_string(&body).unwrap_or_default())
    }
}

/// Answers an unknown path.
pub(super) async fn no_such_path() -> Problem {
    Error::new(ErrorKind::NotFound, "request.path_not_found", "Path not found.").into()
}

/// Answers a known path with an unknown method.
pub(super) async fn method_not_allowed(methods: impl Into<Box<str>>) -> Problem {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "request.method_not_allowed",
        "Method not allowed.",
    );
    Problem {
        allow: Some(methods.into()),
        ..problem
    }
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
