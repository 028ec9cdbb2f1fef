//! Validation errors of single fields: a stable code with parameters for clients that translate, and an
//! English message for everyone else.
//!
//! A code names the broken rule and has the same parameters wherever it occurs:
//!
//! | code | rule | parameters |
//! | --- | --- | --- |
//! | `required` | The field is missing or blank. | |
//! | `repeated` | The field occurs more than once. | |
//! | `conflict` | The field cannot be combined with another one. | |
//! | `malformed`, `not_utf8` | The text is not encoded correctly. | |
//! | `wrong_type` | The JSON value has another type or shape. | |
//! | `not_a_number` | The value is not a whole number. | |
//! | `out_of_range` | The number is too small or too large. | `min`, `max` |
//! | `negative` | The number is below zero. | |
//! | `invalid_id` | The id is not a positive 63-bit integer. | |
//! | `wrong_length` | The text has too few or too many characters. | `min`, `max` |
//! | `wrong_size` | The text has too few or too many bytes. | `min`, `max` |
//! | `too_large` | The text has too many bytes. | `max` |
//! | `too_many` | The list has too many items. | `max` |
//! | `not_one_of` | The word is not in a closed set. | `allowed`, separated by commas |
//! | `control_characters` | The text contains control characters. | |
//! | `invalid_cursor` | The cursor was not returned by a list. | |
//! | `invalid_query` | The search query cannot match anything. | |
//! | `invalid_username` | The username has a wrong length or characters. | `min`, `max` |
//! | `reserved` | The username is reserved. | |
//! | `is_owner` | The owner of a stream cannot be moderated. | |
//! | `nothing_to_match` | The blocked word has no letter or digit. | |
//! | `invalid_idempotency_key` | The key is not 1 to 255 visible ASCII characters. | |
//! | `damaged_file`, `unsupported_media` | The file is unreadable, or of another type. | |
//! | `too_many_pixels` | The image has too many pixels. | `max` |
//! | `invalid_name`, `invalid_viewer` | A name sent by a media node or gateway is invalid. | |

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A field that breaks a rule.
///
/// `code` and the names in `params` are part of the API and never change; `message` may. The message
/// continues the field's name, as in "title must be 3 to 255 characters".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name as the client wrote it, such as `title`.
    pub path: Cow<'static, str>,
    /// The broken rule, such as `out_of_range`; see the [module](self).
    pub code: Cow<'static, str>,
    /// The bounds or words of the rule, such as `min` and `max`.
    pub params: BTreeMap<Cow<'static, str>, Param>,
    /// The rule in English, without the field's name and without a full stop.
    pub message: Cow<'static, str>,
}

/// A parameter of a broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param {
    Number(i64),
    /// A word, or a comma-separated list of words.
    Text(Cow<'static, str>),
}

impl From<i64> for Param {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Param {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<String> for Param {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&'static str> for Param {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl FieldError {
    /// Creates an error with a code that has no constructor below.
    pub fn new(
        path: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            path: path.into(),
            code: code.into(),
            params: BTreeMap::new(),
            message: message.into(),
        }
    }

    /// `required`: the field is missing or blank.
    pub fn required(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(path, "required", "is required")
    }

    /// `invalid_id`: not a positive 63-bit integer.
    pub fn invalid_id(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(path, "invalid_id", "is not a valid id")
    }

    /// `out_of_range`: a number outside `min..=max`.
    pub fn out_of_range(
        path: impl Into<Cow<'static, str>>,
        min: impl Into<i64>,
        max: impl Into<i64>,
    ) -> Self {
        let (min, max) = (min.into(), max.into());
        Self::new(path, "out_of_range", format!("must be {min} to {max}"))
            .with("min", min)
            .with("max", max)
    }

    /// `negative`: a number below zero.
    pub fn negative(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(path, "negative", "must not be negative")
    }

    /// `wrong_length`: text with fewer or more characters than allowed.
    pub fn wrong_length(path: impl Into<Cow<'static, str>>, min: usize, max: usize) -> Self {
        Self::new(path, "wrong_length", format!("must be {min} to {max} characters"))
            .with("min", number(min))
            .with("max", number(max))
    }

    /// `too_many`: a list with more items than allowed.
    pub fn too_many(path: impl Into<Cow<'static, str>>, max: usize) -> Self {
        Self::new(path, "too_many", format!("must have at most {max} items")).with("max", number(max))
    }

    /// `not_one_of`: a word outside a closed set.
    pub fn not_one_of(path: impl Into<Cow<'static, str>>, allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        Self::new(path, "not_one_of", format!("must be one of {allowed}")).with("allowed", allowed)
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Param>) -> Self {
        self.params.insert(name.into(), value.into());
        self
    }

    /// Renames the field, for rules that are shared by fields with different names.
    #[must_use]
    pub fn at(self, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: path.into(),
            ..self
        }
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
