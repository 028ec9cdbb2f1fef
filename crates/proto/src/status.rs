//! [`primitives::Error`] as a gRPC status and back. The kind becomes the status code, the sentence the
//! message, and the rest the details (`airwave.common.v1.ErrorDetail`).

use std::time::Duration;

use primitives::{Error, ErrorKind, FieldError, Param};
use prost::Message;
use tonic::{Code, Status};

use crate::common::v1::field_param::Value;
use crate::common::v1::{ErrorDetail, FieldParam, FieldViolation};

/// Converts a service's error to a status.
pub trait IntoStatus {
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

/// Reads the error from a status, including those that gRPC itself generates.
#[must_use]
pub fn error_from_status(status: &Status) -> Error {
    let Some(kind) = kind(status.code()) else {
        return Error::internal();
    };
    let detail = ErrorDetail::decode(status.details()).unwrap_or_default();
    if detail.code.is_empty() {
        return transport_error(kind, status);
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

/// Converts a status that gRPC itself generated. Its message may contain host names, so it goes to the log
/// only.
fn transport_error(kind: ErrorKind, status: &Status) -> Error {
    tracing::warn!(code = ?status.code(), message = status.message(), "gRPC call failed");
    match kind {
        ErrorKind::Unavailable => Error::unavailable(),
        // What exhausts a resource of gRPC is a message above the size limit.
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
        // gRPC has no matching code; this one is otherwise unused.
        ErrorKind::UnsupportedMedia => Code::FailedPrecondition,
        // Likewise.
        ErrorKind::Unprocessable => Code::Aborted,
        ErrorKind::RateLimited => Code::ResourceExhausted,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Internal => Code::Internal,
    }
}

/// The inverse of [`code`], extended by the codes of gRPC itself: an exceeded deadline means unavailable.
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
    use proptest::prelude::*;

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

    fn param() -> impl Strategy<Value = Param> {
        prop_oneof![
            any::<i64>().prop_map(Param::Number),
            any::<String>().prop_map(Param::from)
        ]
    }

    fn field() -> impl Strategy<Value = FieldError> {
        let params = prop::collection::btree_map("[a-z_]{1,8}", param(), 0..4);
        (any::<String>(), any::<String>(), params, any::<String>()).prop_map(
            |(path, code, params, message)| FieldError {
                path: path.into(),
                code: code.into(),
                params: params
                    .into_iter()
                    .map(|(name, param)| (name.into(), param))
                    .collect(),
                message: message.into(),
            },
        )
    }

    proptest! {
        #[test]
        fn error_round_trip(
            kind in prop::sample::select(&KINDS[..10]),
            code in "[a-z]{1,10}\\.[a-z_]{1,20}",
            detail: String,
            fields in prop::collection::vec(field(), 0..4),
            seconds in prop::option::of(1..=u32::MAX),
        ) {
            let error = Error {
                fields,
                retry_after: seconds.map(|seconds| Duration::from_secs(seconds.into())),
                ..Error::new(kind, code, detail)
            };
            prop_assert_eq!(error_from_status(&error.clone().into_status()), error);
        }

        /// A peer of another version, or something else on its port, may answer anything.
        #[test]
        fn any_status_is_an_error(code in 0..20_i32, message: String, details: Vec<u8>) {
            let status = Status::with_details(Code::from(code), message, details.into());
            let error = error_from_status(&status);
            prop_assert!(!error.code.is_empty());
        }
    }

    #[test]
    fn internal_errors_lose_their_details() {
        let error = Error::new(ErrorKind::Internal, "stream.some_code", "A sentence.");
        assert_eq!(error_from_status(&error.into_status()), Error::internal());
    }

    #[test]
    fn retry_time_is_rounded_up() {
        let error = Error::unavailable().retry_after(Duration::from_millis(1001));
        let received = error_from_status(&error.into_status());
        assert_eq!(received.retry_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn transport_messages_stay_internal() {
        let status = Status::unavailable("error trying to connect: tcp connect error: 10.0.0.7:7001");
        assert_eq!(error_from_status(&status), Error::unavailable());
        let status = Status::unknown("transport error");
        assert_eq!(error_from_status(&status), Error::internal());
    }
}
