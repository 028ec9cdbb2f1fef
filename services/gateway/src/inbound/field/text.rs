//! Text fields. Schemas count Unicode code points; the checks count grapheme clusters, of which a text never
//! has more.

#![expect(unreachable_pub, reason = "the types are as visible as this module")]

use primitives::{FieldError, search, text};
use serde::de::{Deserialize, Deserializer};
use serde_json::json;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};

use super::{describe, violation};

/// Excludes control characters and the marks that reorder text.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$";
/// Like [`LINE`], but allows line breaks and tabs.
const LINES: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$";
/// Tags of a form, separated by commas.
const TAG_LINE: &str = concat!(
    r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069,]{0,30}",
    r"(,[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069,]{0,30}){0,19}$",
);
const MAX_TAGS: usize = 20;
const MAX_BLOCKED_WORDS: usize = 200;

/// Declares text fields: the check of each, and its schema.
macro_rules! text_fields {
    ($($(#[$meta:meta])* $name:ident: $check:expr, $schema:expr;)*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let check: fn(&str) -> Result<String, FieldError> = $check;
                check(&text).map(Self).map_err(violation)
            }
        }

        describe!($name, $schema);
    )* };
}

text_fields! {
    Username: text::username, matching(r"^[A-Za-z0-9_]{3,25}$").examples([json!("minh_anh")]);
    /// What a username begins with. Auth checks it.
    UsernamePrefix: unchecked, matching("^[A-Za-z0-9_]{1,25}$");
    /// Bounded in bytes.
    Password: |text| text::password(text).map(|()| text.to_owned()),
        string().min_length(Some(8)).max_length(Some(1024));
    DisplayName: text::display_name, between(1, 50, LINE);
    Bio: text::bio, up_to(500, LINES);
    Title: text::title, between(3, 255, LINE);
    CategoryName: text::title, between(3, 255, LINE);
    #[derive(Default)]
    Description: text::description, up_to(5000, LINES);
    #[derive(Default)]
    Reason: text::reason, up_to(500, LINES);
    ChatText: text::chat_message, between(1, 500, LINES);
    /// Chat checks it.
    ClientMessageId: unchecked, between(1, 64, "^[ -~]*$");
    Tag: text::tag, between(1, 30, LINE);
    SearchQuery: |text| search::parse_search_query(text).map(|_| text.to_owned()),
        between(1, 100, r"[\p{L}\p{N}]");
    /// The key of an object in the bucket. The VOD service checks it.
    ObjectKey: unchecked, up_to(512, r"^imports(/[A-Za-z0-9_()+ -][A-Za-z0-9_()+ .-]*)+$");
    /// Described only; the extractor reads the header.
    IdempotencyName: unchecked, between(1, 255, r"^[!#-\[\]-~]+$");
    /// Chat checks it, because its rule depends on how chat compares words.
    BlockedWord: unchecked, between(1, 50, "^[A-Za-z0-9]*$");
}

#[expect(clippy::unnecessary_wraps, reason = "has the signature of a check")]
fn unchecked(text: &str) -> Result<String, FieldError> {
    Ok(text.to_owned())
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn matching(pattern: &str) -> ObjectBuilder {
    string().pattern(Some(pattern))
}

fn up_to(max: usize, pattern: &str) -> ObjectBuilder {
    matching(pattern).max_length(Some(max))
}

fn between(min: usize, max: usize, pattern: &str) -> ObjectBuilder {
    up_to(max, pattern).min_length(Some(min))
}

/// Tags as an array or, as forms send them, separated by commas. Empty tags of a line are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(pub Vec<String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Given {
            List(Vec<String>),
            Line(String),
        }
        let tags = match Given::deserialize(deserializer)? {
            Given::List(tags) => tags,
            Given::Line(line) => {
                let tags = line.split(',').map(str::trim).filter(|tag| !tag.is_empty());
                tags.map(str::to_owned).collect()
            }
        };
        if tags.len() > MAX_TAGS {
            return Err(violation(FieldError::too_many("tags", MAX_TAGS)));
        }
        let tags = tags.iter().map(|tag| text::tag(tag));
        tags.collect::<Result<_, _>>().map(Self).map_err(violation)
    }
}

describe!(
    Tags,
    OneOfBuilder::new()
        .item(matching(TAG_LINE))
        .item(
            ArrayBuilder::new()
                .items(between(1, 30, LINE))
                .max_items(Some(MAX_TAGS))
        )
        .examples([json!("strategy,building")])
);

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct BlockedWords(Vec<BlockedWord>);

impl BlockedWords {
    pub fn into_words(self) -> Vec<String> {
        self.0.into_iter().map(|word| word.0).collect()
    }
}

describe!(
    BlockedWords,
    ArrayBuilder::new()
        .items(<BlockedWord as utoipa::PartialSchema>::schema())
        .max_items(Some(MAX_BLOCKED_WORDS))
);
