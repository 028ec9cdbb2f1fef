use s3::error::S3Error;

/// Why the bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object.
    #[error("the object is missing")]
    Missing,
    /// The bucket understood and said no: wrong key, no right, suspended account, no such bucket. A retry
    /// changes nothing by itself.
    #[error("the bucket refused with status {status} ({code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The store's own code, such as `SignatureDoesNotMatch`; empty when it gave none.
        code: String,
    },
    /// The bucket cannot be reached, is overloaded or did not answer in time.
    #[error("the bucket is unavailable: {0}")]
    Unavailable(String),
    /// What the bucket holds after an upload is not what was sent.
    #[error("the stored object differs from what was sent: {0}")]
    Mismatch(String),
    /// The local file cannot be read, or changed while it was read.
    #[error("cannot read the local file")]
    File(#[from] std::io::Error),
    /// The configuration makes no bucket.
    #[error("the bucket's configuration is unusable: {0}")]
    Config(String),
}

impl Error {
    /// Whether the same call may succeed later without anybody's doing.
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
            S3Error::HttpFail => Self::Unavailable("the answer was not a success".into()),
            S3Error::SerdeXml(_) | S3Error::Utf8(_) | S3Error::FromUtf8(_) => {
                Self::Unavailable("the answer was not S3's".into())
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

/// A URL may be presigned, so it stays out of messages.
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

/// The code of an S3 error document. Its other fields name keys and hosts, which nobody needs in a message.
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
    fn a_refusal_is_not_a_missing_object() {
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
