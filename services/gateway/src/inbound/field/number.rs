//! Ids, numbers and cursors. In paths, queries and forms a number is digits; in JSON it is a number.

#![expect(unreachable_pub, reason = "the types are as visible as this module")]

use primitives::page::{self, DEFAULT_LIMIT, MAX_LIMIT, MAX_PAGE};
use primitives::{FieldError, UserId};
use serde::de::{Deserialize, Deserializer};
use serde_json::Number;
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::{describe, violation};

/// Up to here every integer is a floating point number too.
const MAX_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// Declares numbers of a range, read by a function.
macro_rules! numbers {
    ($($name:ident($type:ty) = $min:literal..=$max:expr, $read:ident;)*) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub $type);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = $read(deserializer)?;
                let out_of_range = || violation(FieldError::out_of_range("body", $min, $max));
                let number = <$type>::try_from(number).map_err(|_| out_of_range())?;
                if ($min..=$max).contains(&number) { Ok(Self(number)) } else { Err(out_of_range()) }
            }
        }
    )* };
}

numbers! {
    PageNumber(u32) = 1..=MAX_PAGE, digits;
    Limit(u32) = 1..=MAX_LIMIT, digits;
    SlowModeSeconds(u32) = 0..=3600, whole;
    BanSeconds(u32) = 1..=31_536_000, whole;
}

describe!(
    PageNumber,
    integer(KnownFormat::Int32, 1)
        .maximum(Some(MAX_PAGE))
        .default(Some(1.into()))
);
describe!(
    Limit,
    integer(KnownFormat::Int32, 1)
        .maximum(Some(MAX_LIMIT))
        .default(Some(DEFAULT_LIMIT.into()))
);
describe!(
    SlowModeSeconds,
    integer(KnownFormat::Int32, 0).maximum(Some(3600))
);
describe!(
    BanSeconds,
    integer(KnownFormat::Int32, 1).maximum(Some(31_536_000))
);

impl Default for PageNumber {
    fn default() -> Self {
        Self(1)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

/// An id in a path or a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(pub i64);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // All ids have the same spelling.
        match String::deserialize(deserializer)?.parse::<UserId>() {
            Ok(id) => Ok(Self(id.0)),
            Err(_) => Err(violation(FieldError::invalid_id("body"))),
        }
    }
}

/// An id in a JSON body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyId(pub i64);

impl<'de> Deserialize<'de> for BodyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = whole(deserializer)?;
        if id > 0 {
            Ok(Self(id))
        } else {
            Err(violation(FieldError::invalid_id("body")))
        }
    }
}

/// A sequence number in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seq(pub i64);

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        digits(deserializer).map(Self)
    }
}

/// The place after which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub page::Cursor);

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        page::Cursor::decode(&text).map(Self).map_err(violation)
    }
}

describe!(Id, integer(KnownFormat::Int64, 1));
describe!(BodyId, integer(KnownFormat::Int64, 1));
describe!(Seq, integer(KnownFormat::Int64, 0));
// 16 bytes in base64url; the last character has four unused bits.
describe!(
    Cursor,
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]{21}[AQgw]$"))
);

pub(super) fn integer(format: KnownFormat, minimum: u32) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(format)))
        .minimum(Some(minimum))
}

/// Reads decimal digits; no sign, no exponent.
fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = all_digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| violation(FieldError::new("body", "not_a_number", "must be a number")))
}

/// Reads a whole number of a JSON body.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    integral(&number)
        .ok_or_else(|| violation(FieldError::new("body", "not_a_number", "must be a whole number")))
}

/// A number without a fraction, even if it is written with one: to JSON, `7.0` is 7.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
pub(super) fn integral(number: &Number) -> Option<i64> {
    let float = || {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() <= MAX_EXACT_FLOAT).then_some(float as i64)
    };
    number.as_i64().or_else(float)
}
