//! What fields of bodies say, in JSON and in the words of a form.

use primitives::CategoryId;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Number, Value};

/// A category as a form names it: an id as a number or as digits; null or an empty text takes it away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CategoryChoice {
    /// Nothing is said of it.
    #[default]
    Absent,
    /// None.
    None,
    /// This one.
    One(CategoryId),
}

impl CategoryChoice {
    /// For something new, which has a category or none.
    pub(super) fn for_new(self) -> Option<i64> {
        match self {
            Self::Absent | Self::None => None,
            Self::One(category) => Some(category.0),
        }
    }

    /// For a change: absent stays, 0 takes it away.
    pub(super) fn for_change(self) -> Option<i64> {
        match self {
            Self::Absent => None,
            Self::None => Some(0),
            Self::One(category) => Some(category.0),
        }
    }
}

impl<'de> Deserialize<'de> for CategoryChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(Self::None),
            // The second is what a browser's form makes of null.
            Value::String(text) if text.is_empty() || text == "null" => return Ok(Self::None),
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => integer(&number).and_then(|id| CategoryId::try_from(id).ok()),
            _ => None,
        };
        id.map(Self::One)
            .ok_or_else(|| D::Error::custom("is not a valid id"))
    }
}

/// Up to here every integer is a floating point number too.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number without a fraction, also when it is written with one: to JSON `7.0` is 7.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
fn integer(number: &Number) -> Option<i64> {
    let float = || {
        number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)
    };
    number.as_i64().or_else(|| float().map(|float| float as i64))
}

/// A whole number in a body; null is none.
pub(super) fn whole<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: MaybeWhole,
{
    let number = Option::<Number>::deserialize(deserializer)?;
    let whole = number.map(|number| integer(&number).ok_or(number)).transpose();
    let whole = whole.map_err(|number| D::Error::custom(format!("{number} is no whole number")))?;
    T::of(whole).ok_or_else(|| D::Error::custom("the number is out of range"))
}

/// A type that [`whole`] reads: a number that must be there, or one that need not.
pub(super) trait MaybeWhole: Sized {
    fn of(number: Option<i64>) -> Option<Self>;
}

impl MaybeWhole for i64 {
    fn of(number: Option<i64>) -> Option<Self> {
        number
    }
}

impl<T: TryFrom<i64>> MaybeWhole for Option<T> {
    fn of(number: Option<i64>) -> Option<Self> {
        number.map(T::try_from).transpose().ok()
    }
}

/// Tags as an array or, as forms have them, separated by commas; nothing between two commas is no tag.
pub(super) fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Tags {
        List(Vec<String>),
        Line(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => None,
        Some(Tags::List(tags)) => Some(tags),
        Some(Tags::Line(line)) => {
            let tags = line.split(',').map(str::trim).filter(|tag| !tag.is_empty());
            Some(tags.map(str::to_owned).collect())
        }
    })
}

/// A truth value, also in the words of a form.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Ok(flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        _ => Err(D::Error::custom("must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Fields {
        #[serde(default)]
        category: CategoryChoice,
    }

    #[test]
    fn a_category_is_absent_none_or_one() {
        let of = |json: &str| serde_json::from_str::<Fields>(json).map(|fields| fields.category);
        assert_eq!(of("{}").unwrap(), CategoryChoice::Absent);
        assert_eq!(of(r#"{"category": null}"#).unwrap(), CategoryChoice::None);
        assert_eq!(of(r#"{"category": ""}"#).unwrap(), CategoryChoice::None);
        let third = CategoryChoice::One(CategoryId(3));
        assert_eq!(of(r#"{"category": 3}"#).unwrap(), third);
        assert_eq!(of(r#"{"category": "3"}"#).unwrap(), third);
        assert_eq!(of(r#"{"category": 3.0}"#).unwrap(), third);
        assert_eq!(of(r#"{"category": "null"}"#).unwrap(), CategoryChoice::None);
        for bad in ["0", "-3", "1.5", "\"x\"", "true", "[]"] {
            assert!(of(&format!(r#"{{"category": {bad}}}"#)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_said_of_a_category_is_told_to_the_services() {
        let third = CategoryChoice::One(CategoryId(3));
        assert_eq!((third.for_new(), third.for_change()), (Some(3), Some(3)));
        let none = CategoryChoice::None;
        assert_eq!((none.for_new(), none.for_change()), (None, Some(0)));
        let absent = CategoryChoice::Absent;
        assert_eq!((absent.for_new(), absent.for_change()), (None, None));
    }
}
