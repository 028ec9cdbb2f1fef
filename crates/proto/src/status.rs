//! Carries a [`primitives::Error`] over gRPC and back: the kind is the status code, the rest rides in the
//! status' details as `airwave.common.v1.ErrorDetail`.

use std::time::Duration;

use primitives::{Error, ErrorKind, FieldError, Param};
use prost::Message;
use tonic::{Code, Status};

use crate::common::v1::field_param::Value;
use crate::common::v1::{ErrorDetail, FieldParam, FieldViolation};

/// Turns a service's error into the status that its callers get.
pub trait IntoStatus {
    /// The status; what the outside may not see goes into the log here.
    fn into_status(self) -> Status;
}

impl<E: Into<Error>> IntoStatus for E {
    fn into_status(self) -> Status {
        let error = self.into();
        let detail = ErrorDetail {
            code: error.code.into_owned(),
            fields: error.fields.into_iter().map(violation).collect(),
            retry_after_seconds: error.retry_after.map_or(0, whole_seconds),
        };
        Status::with_details(code(error.kind), error.detail, detail.encode_to_vec().into())
    }
}

/// Reads the error out of a status, also of one that gRPC itself made.
#[must_use]
pub fn error_from_status(status: &Status) -> Error {
    let Some(kind) = kind(status.code()) else {
        return Error::internal();
    };
    let detail = ErrorDetail::decode(status.details()).unwrap_or_default();
    if detail.code.is_empty() {
        return error_of_transport(kind, status);
    }
    Error {
        kind,
        code: detail.code.into(),
        detail: status.message().to_owned().into(),
        fields: detail.fields.into_iter().map(field_error).collect(),
        retry_after: (detail.retry_after_seconds > 0)
            .then(|| Duration::from_secs(detail.retry_after_seconds.into())),
    }
}

/// A status without our details comes from gRPC itself; its text may name hosts, so the log keeps it and the
/// caller does not.
fn error_of_transport(kind: ErrorKind, status: &Status) -> Error {
    tracing::warn!(code = ?status.code(), message = status.message(), "a call failed in transport");
    match kind {
        ErrorKind::Unavailable => Error::unavailable(),
        // A message above the limit is what exhausts a resource of a peer's library.
        ErrorKind::TooLarge | ErrorKind::RateLimited => Error::new(
            ErrorKind::TooLarge,
            "request.too_large",
            "The request is too large.",
        ),
        ErrorKind::Invalid => Error::new(kind, "request.invalid", "The request is invalid."),
        _ => Error::internal(),
    }
}

fn violation(field: FieldError) -> FieldViolation {
    let params = field.params.into_iter().map(|(name, param)| {
        let value = match param {
            Param::Number(number) => Value::Number(number),
            Param::Text(text) => Value::Text(text.into_owned()),
        };
        (name.into_owned(), FieldParam { value: Some(value) })
    });
    FieldViolation {
        path: field.path.into_owned(),
        message: field.message.into_owned(),
        code: field.code.into_owned(),
        params: params.collect(),
    }
}

fn field_error(violation: FieldViolation) -> FieldError {
    let params = violation.params.into_iter().filter_map(|(name, param)| {
        let param = match param.value? {
            Value::Number(number) => Param::Number(number),
            Value::Text(text) => Param::Text(text.into()),
        };
        Some((name.into(), param))
    });
    FieldError {
        path: violation.path.into(),
        code: violation.code.into(),
        params: params.collect(),
        message: violation.message.into(),
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Invalid => Code::InvalidArgument,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::Forbidden => Code::PermissionDenied,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Conflict => Code::AlreadyExists,
        ErrorKind::TooLarge => Code::OutOfRange,
        // gRPC has no code of this meaning; this one is not otherwise used here.
        ErrorKind::UnsupportedMedia => Code::FailedPrecondition,
        // The same is true of this one.
        ErrorKind::Unprocessable => Code::Aborted,
        ErrorKind::RateLimited => Code::ResourceExhausted,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Internal => Code::Internal,
    }
}

/// Codes that only transport makes fall to the nearest kind: a deadline that ran out is unavailability, a
/// message above the decoder's limit is too large.
fn kind(code: Code) -> Option<ErrorKind> {
    Some(match code {
        Code::InvalidArgument => ErrorKind::Invalid,
        Code::Unauthenticated => ErrorKind::Unauthenticated,
        Code::PermissionDenied => ErrorKind::Forbidden,
        Code::NotFound => ErrorKind::NotFound,
        Code::AlreadyExists => ErrorKind::Conflict,
        Code::OutOfRange => ErrorKind::TooLarge,
        Code::FailedPrecondition => ErrorKind::UnsupportedMedia,
        Code::Aborted => ErrorKind::Unprocessable,
        Code::ResourceExhausted => ErrorKind::RateLimited,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => ErrorKind::Unavailable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [ErrorKind; 11] = [
        ErrorKind::Invalid,
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::TooLarge,
        ErrorKind::UnsupportedMedia,
        ErrorKind::Unprocessable,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
        ErrorKind::Internal,
    ];

    #[test]
    fn an_error_comes_back_as_it_went() {
        for kind in KINDS.into_iter().filter(|k| *k != ErrorKind::Internal) {
            let error = Error {
                fields: vec![FieldError::wrong_length("title", 3, 255)],
                ..Error::new(kind, "stream.some_code", "A sentence.").retry_after(Duration::from_secs(7))
            };
            assert_eq!(error_from_status(&error.clone().into_status()), error);
        }
    }

    #[test]
    fn what_transport_says_stays_inside() {
        let status = Status::unavailable("error trying to connect: tcp connect error: 10.0.0.7:7001");
        assert_eq!(error_from_status(&status), Error::unavailable());
        let status = Status::unknown("transport error");
        assert_eq!(error_from_status(&status), Error::internal());
    }
}
