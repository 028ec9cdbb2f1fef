//! The one closed set of error kinds. A service maps its own errors to [`Error`] once; crate `proto` carries
//! it over gRPC, and the gateway writes it as a problem document (RFC 9457).

use std::borrow::Cow;
use std::time::Duration;

use crate::field::FieldError;

/// What went wrong, in the words that decide a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input is malformed or breaks a rule: 400.
    Invalid,
    /// Nobody is signed in, or the credentials are wrong: 401.
    Unauthenticated,
    /// The caller may see it but not do this: 403.
    Forbidden,
    /// It does not exist, or the caller may not see it: 404.
    NotFound,
    /// It contradicts what is there already: 409.
    Conflict,
    /// The input is larger than its limit: 413.
    TooLarge,
    /// A file is of a type that is not taken: 415.
    UnsupportedMedia,
    /// It contradicts an earlier request of the same `Idempotency-Key`: 422.
    Unprocessable,
    /// Too many requests: 429.
    RateLimited,
    /// Something that the answer needs cannot be reached now: 503.
    Unavailable,
    /// A defect of ours: 500.
    Internal,
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::invalid_fields(vec![field])
    }
}

/// An error as the outside sees it: it names nothing internal and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// Decides the status.
    pub kind: ErrorKind,
    /// Stable and dotted, such as `stream.not_found`.
    pub code: Cow<'static, str>,
    /// One sentence for a person.
    pub detail: Cow<'static, str>,
    /// The fields that break a rule, when the input is invalid.
    pub fields: Vec<FieldError>,
    /// When a retry makes sense, where that is known.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error of a kind, with its stable code and its sentence.
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

    /// Fields of the input that break rules; the detail names the first.
    #[must_use]
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let detail = fields.first().map_or_else(
            || "The request is invalid.".to_owned(),
            |f| format!("{} {}.", f.path, f.message),
        );
        Self {
            fields,
            ..Self::new(ErrorKind::Invalid, "request.invalid", detail)
        }
    }

    /// Something that the answer needs cannot be reached now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            ErrorKind::Unavailable,
            "service.unavailable",
            "The service is unavailable, try again soon.",
        )
    }

    /// A defect of ours; what it was belongs into the log, not here.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            ErrorKind::Internal,
            "service.internal",
            "Something went wrong on our side.",
        )
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(ErrorKind::Unauthenticated, "auth.token_missing", "Sign in first.")
    }

    /// The same error with the time after which a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}
