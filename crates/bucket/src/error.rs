use s3::error::S3Error;

/// A failed bucket operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the object does not exist")]
    Missing,
    /// The bucket rejected the request: wrong credentials, missing permission, suspended account or unknown
    /// bucket. A retry does not help by itself.
    #[error("the bucket refused with status {status} ({code})")]
    Refused {
        status: u16,
        /// The store's error code, such as `SignatureDoesNotMatch`. Empty if it sent none.
        code: String,
    },
    /// The bucket is unreachable, overloaded or too slow.
    #[error("the bucket is unavailable: {0}")]
    Unavailable(String),
    /// The stored object differs from the uploaded data.
    #[error("the stored object differs from the uploaded data: {0}")]
    Mismatch(String),
    /// The local file or stream cannot be read or written.
    #[error("cannot read or write the local file")]
    File(#[from] std::io::Error),
    #[error("invalid bucket configuration: {0}")]
    Config(String),
}

impl Error {
    /// Returns whether a retry may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Mismatch(_))
    }
}

impl From<S3Error> for Error {
    fn from(error: S3Error) -> Self {
        match error {
            S3Error::HttpFailWithBody(status, body) => from_status(status, &body),
            S3Error::Reqwest(error) => Self::Unavailable(without_url(error)),
            S3Error::Io(error) => Self::File(error),
            S3Error::HttpFail => Self::Unavailable("the response was not a success".into()),
            S3Error::SerdeXml(_) | S3Error::Utf8(_) | S3Error::FromUtf8(_) => {
                Self::Unavailable("the response is not valid S3".into())
            }
            other => Self::Config(other.to_string()),
        }
    }
}

fn from_status(status: u16, body: &str) -> Error {
    let code = code_of(body);
    match status {
        404 if code != "NoSuchBucket" => Error::Missing,
        408 | 425 | 429 | 500.. => Error::Unavailable(format!("status {status} {code}")),
        _ => Error::Refused { status, code },
    }
}

/// Describes the innermost cause. The error itself prints the URL, which may be presigned.
fn without_url(error: impl std::error::Error) -> String {
    let mut text = String::new();
    let mut source: Option<&dyn std::error::Error> = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    if text.is_empty() {
        "the request failed".into()
    } else {
        text
    }
}

/// Returns the code of an S3 error document. Its other fields contain keys and hosts, which must not appear
/// in messages.
fn code_of(body: &str) -> String {
    let code = body
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map(|(code, _)| {
        code.chars()
            .filter(char::is_ascii_alphanumeric)
            .take(64)
            .collect()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_not_missing_objects() {
        assert!(matches!(from_status(404, ""), Error::Missing));
        assert!(matches!(
            from_status(404, "<Error><Code>NoSuchBucket</Code></Error>"),
            Error::Refused { .. }
        ));
        let refused = from_status(403, "<Error><Code>AccessDenied</Code><Key>k</Key></Error>");
        assert_eq!(
            refused.to_string(),
            "the bucket refused with status 403 (AccessDenied)"
        );
        assert!(matches!(from_status(503, "<html>"), Error::Unavailable(_)));
        assert!(matches!(from_status(429, ""), Error::Unavailable(_)));
    }
}
