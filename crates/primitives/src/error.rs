//! The error that every service returns.
//!
//! A service converts its own errors to [`Error`] in one place. The crate `proto` carries it over gRPC, and
//! the gateway writes it as a problem document (RFC 9457). The [`ErrorKind`] decides the HTTP status and the
//! gRPC status code; clients branch on the stable `code`.

use std::borrow::Cow;
use std::time::Duration;

use crate::field::FieldError;

/// The class of an error, one for each HTTP status that the API answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 400: the input is malformed or breaks a rule.
    Invalid,
    /// 401: credentials are missing or wrong.
    Unauthenticated,
    /// 403: the caller may see the resource, but may not do this to it.
    Forbidden,
    /// 404: the resource does not exist, or the caller may not know that it does.
    NotFound,
    /// 409: the request conflicts with the current state.
    Conflict,
    /// 413: the input exceeds its size limit.
    TooLarge,
    /// 415: the type of a file is not supported.
    UnsupportedMedia,
    /// 422: the `Idempotency-Key` belongs to a different request.
    Unprocessable,
    /// 429: too many requests.
    RateLimited,
    /// 503: a dependency is unavailable.
    Unavailable,
    /// 500: a bug.
    Internal,
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::invalid_fields(vec![field])
    }
}

/// An error as clients see it. It contains no internals and no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    pub kind: ErrorKind,
    /// Stable and dotted, such as `stream.not_found`. Part of the API.
    pub code: Cow<'static, str>,
    /// One English sentence. May change at any time.
    pub detail: Cow<'static, str>,
    /// The invalid fields, when the kind is [`ErrorKind::Invalid`].
    pub fields: Vec<FieldError>,
    /// How long to wait before a retry, if known.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// Creates an error without fields and without a retry time.
    pub fn new(
        kind: ErrorKind,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            code: code.into(),
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
        }
    }

    /// `request.invalid`: one or more fields break a rule. The detail describes the first.
    #[must_use]
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let detail = fields.first().map_or_else(
            || "The request is invalid.".to_owned(),
            |field| format!("{} {}.", field.path, field.message),
        );
        Self {
            fields,
            ..Self::new(ErrorKind::Invalid, "request.invalid", detail)
        }
    }

    /// `service.unavailable`: a dependency is unavailable.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            ErrorKind::Unavailable,
            "service.unavailable",
            "Service unavailable. Please try again shortly.",
        )
    }

    /// `service.internal`: a bug. Log its cause where this is called; clients must not see it.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(ErrorKind::Internal, "service.internal", "Internal server error.")
    }

    /// `auth.token_missing`: the request needs a signed-in user.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            ErrorKind::Unauthenticated,
            "auth.token_missing",
            "Authentication required.",
        )
    }

    /// Sets how long to wait before a retry.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_describes_the_first_invalid_field() {
        let fields = vec![FieldError::required("title"), FieldError::negative("seconds")];
        assert_eq!(Error::invalid_fields(fields).detail, "title is required.");
        assert_eq!(
            Error::invalid_fields(Vec::new()).detail,
            "The request is invalid."
        );
    }
}
