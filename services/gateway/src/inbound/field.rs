//! The constraints of request fields, shared by REST and the sockets.
//!
//! A constraint is a newtype: deserialising it checks the value, and its schema describes the same bounds. A
//! request type therefore declares each field once. serde reports errors as text only, so a newtype leaves
//! its [`FieldError`] in a thread-local, where [`read`] finds it.

mod choice;
mod number;
mod simplify;
mod socket;
mod text;

use std::cell::Cell;

use primitives::FieldError;
use serde::de::{Deserialize, Deserializer};

pub(crate) use choice::{CategoryChoice, Flag, RoleName, StreamSortName, StreamStatusName};
pub(crate) use number::{BanSeconds, BodyId, Cursor, Id, Limit, PageNumber, Seq, SlowModeSeconds};
pub(crate) use simplify::simplify;
pub(crate) use socket::{AccessToken, LastSeq, StreamRef};
pub(crate) use text::{
    Bio, BlockedWords, CategoryName, ChatText, ClientMessageId, Description, DisplayName, IdempotencyName,
    ObjectKey, Password, Reason, SearchQuery, Tag, Tags, Title, Username, UsernamePrefix,
};

thread_local! {
    static VIOLATION: Cell<Option<FieldError>> = const { Cell::new(None) };
}

/// Describes a newtype by a schema.
macro_rules! describe {
    ($name:ident, $schema:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema.into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
use describe;

/// Why fields could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The input is not JSON.
    Syntax,
    Field(FieldError),
}

/// Reads a request type; an error names the top-level field that is wrong.
pub(crate) fn read<'de, T, D>(fields: D) -> Result<T, ReadError>
where
    T: Deserialize<'de>,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    // A variant of an untagged enum may have failed without consequence.
    VIOLATION.take();
    serde_path_to_error::deserialize(fields).map_err(|error| {
        if !error.inner().is_data() {
            return ReadError::Syntax;
        }
        let path = error.path().to_string();
        let name = path.split(['.', '[']).next().unwrap_or_default();
        ReadError::Field(field_error(name, &error.inner().to_string()))
    })
}

fn field_error(name: &str, text: &str) -> FieldError {
    let path = if name.is_empty() { "body" } else { name }.to_owned();
    let quoted = |prefix| text.strip_prefix(prefix)?.split('`').nth(1).map(str::to_owned);
    if let Some(violation) = VIOLATION.take() {
        violation.at(path)
    } else if let Some(missing) = quoted("missing field ") {
        FieldError::required(missing)
    } else if let Some(repeated) = quoted("duplicate field ") {
        FieldError::new(repeated, "repeated", "must be given once")
    } else {
        let reason = text.split(" at line ").next().unwrap_or_default();
        FieldError::new(path, "wrong_type", format!("is not valid: {reason}"))
    }
}

/// Fails deserialisation with a field error, whose path [`read`] sets.
fn violation<E: serde::de::Error>(error: FieldError) -> E {
    let text = E::custom(&error.message);
    VIOLATION.set(Some(error));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only read")]
    struct Fields {
        title: Title,
        seconds: Option<BanSeconds>,
        #[serde(default)]
        page: PageNumber,
        status: Option<StreamStatusName>,
    }

    fn error_of(mut fields: Value) -> (String, String) {
        if fields.get("title").is_none() {
            fields["title"] = "A title".into();
        }
        match read::<Fields, _>(fields) {
            Err(ReadError::Field(error)) => (error.path.into_owned(), error.code.into_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn violations_name_field_and_rule() {
        for (fields, path, code) in [
            (json!({"title": "x"}), "title", "wrong_length"),
            (json!({"title": "a\u{0}bc"}), "title", "control_characters"),
            (json!({"title": 5}), "title", "wrong_type"),
            (json!({"seconds": 0}), "seconds", "out_of_range"),
            (json!({"seconds": -1}), "seconds", "out_of_range"),
            (json!({"seconds": 1.5}), "seconds", "not_a_number"),
            (json!({"seconds": "1"}), "seconds", "wrong_type"),
            (json!({"page": "x"}), "page", "not_a_number"),
            (json!({"page": "0"}), "page", "out_of_range"),
            (json!({"status": "dead"}), "status", "not_one_of"),
        ] {
            assert_eq!(
                error_of(fields.clone()),
                (path.to_owned(), code.to_owned()),
                "{fields}"
            );
        }
        let missing = read::<Fields, _>(json!({})).unwrap_err();
        assert!(matches!(missing, ReadError::Field(error) if error == FieldError::required("title")));
    }

    #[test]
    fn violation_of_an_earlier_request_is_forgotten() {
        error_of(json!({"seconds": 0}));
        assert_eq!(error_of(json!({"title": 5})).1, "wrong_type");
    }
}
