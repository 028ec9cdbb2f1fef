//! Fields with a closed set of values.

#![expect(unreachable_pub, reason = "the types are as visible as this module")]

use primitives::{CategoryId, FieldError};
use proto::auth::v1::Role;
use proto::stream::v1::{StreamSort, StreamStatus};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::openapi::{KnownFormat, ObjectBuilder, Type};

use super::number::{integer, integral};
use super::{describe, violation};

/// Declares words and the message value that each stands for.
macro_rules! choices {
    ($($name:ident($type:ty) { $($word:literal = $value:expr),+ $(,)? })*) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub $type);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match String::deserialize(deserializer)?.as_str() {
                    $($word => Ok(Self($value)),)+
                    _ => Err(violation(FieldError::not_one_of("body", &[$($word),+]))),
                }
            }
        }

        describe!($name, ObjectBuilder::new().schema_type(Type::String).enum_values(Some([$($word),+])));
    )* };
}

choices! {
    StreamStatusName(StreamStatus) { "live" = StreamStatus::Live, "ended" = StreamStatus::Ended }
    StreamSortName(StreamSort) { "newest" = StreamSort::Newest, "viewers" = StreamSort::Viewers }
    RoleName(Role) { "user" = Role::User, "moderator" = Role::Moderator, "admin" = Role::Admin }
}

/// A boolean, which queries and forms write as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(flag) => Ok(Self(flag)),
            Value::String(text) if text == "true" => Ok(Self(true)),
            Value::String(text) if text == "false" => Ok(Self(false)),
            _ => Err(violation(FieldError::not_one_of("body", &["true", "false"]))),
        }
    }
}

describe!(Flag, ObjectBuilder::new().schema_type(Type::Boolean));

/// The category of a stream or VOD: an id as a number or as digits; null or an empty text removes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CategoryChoice {
    #[default]
    Absent,
    Removed,
    Set(CategoryId),
}

impl CategoryChoice {
    /// The category of something new.
    pub fn of_new(self) -> Option<i64> {
        match self {
            Self::Absent | Self::Removed => None,
            Self::Set(category) => Some(category.0),
        }
    }

    /// The category of an update, in which 0 removes it.
    pub fn of_update(self) -> Option<i64> {
        match self {
            Self::Absent => None,
            Self::Removed => Some(0),
            Self::Set(category) => Some(category.0),
        }
    }
}

impl<'de> Deserialize<'de> for CategoryChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(Self::Removed),
            // Browsers write null as "null" into a form.
            Value::String(text) if text.is_empty() || text == "null" => return Ok(Self::Removed),
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => integral(&number).and_then(|id| CategoryId::try_from(id).ok()),
            _ => None,
        };
        id.map(Self::Set)
            .ok_or_else(|| violation(FieldError::invalid_id("body")))
    }
}

describe!(
    CategoryChoice,
    integer(KnownFormat::Int64, 1).schema_type(utoipa::openapi::schema::SchemaType::from_iter([
        Type::Integer,
        Type::Null
    ]))
);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Fields {
        #[serde(default)]
        category: CategoryChoice,
    }

    #[test]
    fn category_is_absent_removed_or_set() {
        let of = |json: &str| serde_json::from_str::<Fields>(json).map(|fields| fields.category);
        assert_eq!(of("{}").unwrap(), CategoryChoice::Absent);
        for removed in ["null", "\"\"", "\"null\""] {
            assert_eq!(
                of(&format!(r#"{{"category": {removed}}}"#)).unwrap(),
                CategoryChoice::Removed
            );
        }
        for third in ["3", "\"3\"", "3.0"] {
            let set = CategoryChoice::Set(CategoryId(3));
            assert_eq!(of(&format!(r#"{{"category": {third}}}"#)).unwrap(), set);
        }
        for bad in ["0", "-3", "1.5", "\"x\"", "true", "[]"] {
            assert!(of(&format!(r#"{{"category": {bad}}}"#)).is_err(), "{bad}");
        }
    }

    #[test]
    fn update_tells_removed_from_absent() {
        let set = CategoryChoice::Set(CategoryId(3));
        assert_eq!((set.of_new(), set.of_update()), (Some(3), Some(3)));
        let removed = CategoryChoice::Removed;
        assert_eq!((removed.of_new(), removed.of_update()), (None, Some(0)));
        let absent = CategoryChoice::Absent;
        assert_eq!((absent.of_new(), absent.of_update()), (None, None));
    }
}
