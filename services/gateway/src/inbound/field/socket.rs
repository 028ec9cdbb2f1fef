//! Fields of socket events.

#![expect(unreachable_pub, reason = "the types are as visible as this module")]

use primitives::{FieldError, StreamId};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{KnownFormat, ObjectBuilder, OneOfBuilder, Type};

use super::number::integer;
use super::{describe, violation};

/// A stream's id, as a number or as digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamRef(pub StreamId);

impl<'de> Deserialize<'de> for StreamRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = match Value::deserialize(deserializer)? {
            Value::Null => return Err(violation(FieldError::required("body"))),
            Value::String(text) if text.trim().is_empty() => {
                return Err(violation(FieldError::required("body")));
            }
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64().and_then(|id| StreamId::try_from(id).ok()),
            _ => None,
        };
        id.map(Self)
            .ok_or_else(|| violation(FieldError::invalid_id("body")))
    }
}

describe!(
    StreamRef,
    OneOfBuilder::new().item(integer(KnownFormat::Int64, 1)).item(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[1-9][0-9]{0,18}$"))
    )
);

/// The sequence number of the last message that a client has, if any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastSeq(pub Option<i64>);

impl<'de> Deserialize<'de> for LastSeq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self(None)),
            // The next number must be one, too.
            value => match value.as_i64().filter(|seq| (0..i64::MAX).contains(seq)) {
                Some(seq) => Ok(Self(Some(seq))),
                None => Err(violation(FieldError::new(
                    "body",
                    "not_a_number",
                    "must be a sequence number",
                ))),
            },
        }
    }
}

describe!(
    LastSeq,
    integer(KnownFormat::Int64, 0).schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
);

/// An access token, which is verified later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken(pub String);

impl<'de> Deserialize<'de> for AccessToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = String::deserialize(deserializer)?;
        if token.is_empty() {
            Err(violation(FieldError::required("body")))
        } else {
            Ok(Self(token))
        }
    }
}

describe!(
    AccessToken,
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))
);
