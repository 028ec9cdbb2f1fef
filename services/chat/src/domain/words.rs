use std::collections::{BTreeSet, HashMap};

use primitives::FieldError;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_segmentation::UnicodeSegmentation;

const MAX_WORDS: usize = 200;
/// In characters as a person counts them (grapheme clusters).
const MAX_WORD_LENGTH: usize = 50;
const MAX_WORD_BYTES: usize = 400;
const FIELD: &str = "blockedWords";

/// The blocked words and phrases of a room, matched as whole words regardless of case and accents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockedWords {
    words: Vec<String>,
    /// Maps the first folded word of each word or phrase to the words that follow it.
    folded: HashMap<String, Vec<Vec<String>>>,
}

impl BlockedWords {
    /// Validates the words of a moderator. Keeps the first of several that match the same texts.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, FieldError> {
        let (mut kept, mut seen) = (Vec::new(), BTreeSet::new());
        for (index, word) in words.into_iter().enumerate() {
            if index >= MAX_WORDS {
                return Err(FieldError::too_many(FIELD, MAX_WORDS));
            }
            let word = word.trim();
            if seen.insert(validate(word)?) {
                kept.push(word.to_owned());
            }
        }
        Ok(Self::from_stored(kept))
    }

    /// Takes words that were validated before.
    #[must_use]
    pub fn from_stored(words: Vec<String>) -> Self {
        let mut folded = HashMap::<String, Vec<Vec<String>>>::new();
        for word in &words {
            let mut parts = fold(word).into_iter();
            if let Some(first) = parts.next() {
                folded.entry(first).or_default().push(parts.collect());
            }
        }
        Self { words, folded }
    }

    /// The words as the moderator wrote them.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a text contains one of the words.
    #[must_use]
    pub fn match_text(&self, text: &str) -> bool {
        if self.folded.is_empty() {
            return false;
        }
        let folded = fold(text);
        let mut rest = folded.as_slice();
        while let Some((first, following)) = rest.split_first() {
            let phrases = self.folded.get(first).into_iter().flatten();
            if phrases.into_iter().any(|phrase| following.starts_with(phrase)) {
                return true;
            }
            rest = following;
        }
        false
    }
}

/// Checks one trimmed word and returns its folded form.
fn validate(word: &str) -> Result<Vec<String>, FieldError> {
    let length = word.graphemes(true).count();
    if word.len() > MAX_WORD_BYTES || !(1..=MAX_WORD_LENGTH).contains(&length) {
        let message = format!("must be 1 to {MAX_WORD_LENGTH} characters each");
        return Err(FieldError {
            message: message.into(),
            ..FieldError::wrong_length(FIELD, 1, MAX_WORD_LENGTH)
        });
    }
    if word.contains(char::is_control) {
        return Err(FieldError::new(
            FIELD,
            "control_characters",
            "must not contain control characters",
        ));
    }
    let folded = fold(word);
    if folded.is_empty() {
        let message = "must each contain a letter, a digit or a symbol";
        return Err(FieldError::new(FIELD, "nothing_to_match", message));
    }
    Ok(folded)
}

/// Splits a text into the words that are compared: without case, accents, compatibility forms and invisible
/// characters, and separated by whitespace and punctuation.
fn fold(text: &str) -> Vec<String> {
    let plain: String = text
        .nfkd()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkd()
        .filter(|c| !is_accent(*c) && !is_invisible(*c))
        .map(|c| if separates_words(c) { ' ' } else { c })
        .collect();
    let words = plain.split_word_bounds();
    words
        .filter(|word| !word.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// Marks above, below and through letters, and the points of Hebrew and Arabic. Excludes the vowel signs of
/// Indian scripts, which distinguish words.
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 10..=35 | 200..)
}

/// Also covers skin-tone modifiers, so that an emoji matches in every tone.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
    ) || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}')
        || matches!(c, '\u{FEFF}' | '\u{1F3FB}'..='\u{1F3FF}')
}

fn separates_words(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(c, '\u{A1}'..='\u{BF}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocked(words: &[&str]) -> BlockedWords {
        BlockedWords::parse(words.iter().map(|word| (*word).to_owned())).unwrap()
    }

    #[test]
    fn case_and_accents_are_ignored() {
        let words = blocked(&["Café", "straße", "ngu ngốc", "坏词", "🖕", "дурак", "İ"]);
        for text in [
            "a CAFE here",
            "cafe\u{301}!",
            "ｃａｆé",
            "STRASSE",
            "đồ Ngu, NGOC!",
            "这是坏词吗",
            "so 🖕🏽",
            "so 🖕 ",
            "Ду\u{301}рак",
            "c\u{200B}a\u{AD}fe",
            "i",
            "_cafe_",
            "no.cafe.here",
        ] {
            assert!(words.match_text(text), "{text}");
        }
        for text in [
            "cafeteria",
            "decafe",
            "ngu",
            "ngu rat ngoc",
            "坏 人",
            "дураки",
            "",
            "…",
        ] {
            assert!(!words.match_text(text), "{text}");
        }
        assert!(!BlockedWords::default().match_text("anything"));
    }

    #[test]
    fn words_are_limited_and_deduplicated() {
        let words = blocked(&[" Bad ", "bad", "BÀD", "worse"]);
        assert_eq!(words.words(), ["Bad", "worse"]);
        let many = |n: usize| (0..n).map(|i| format!("w{i}"));
        assert_eq!(BlockedWords::parse(many(200)).unwrap().words().len(), 200);
        assert!(BlockedWords::parse(many(201)).is_err());
        assert!(BlockedWords::parse(["x".repeat(50)]).is_ok());
        for bad in [
            "",
            "  ",
            "...",
            "\u{200B}",
            "a\nb",
            &"x".repeat(51),
            &"e\u{301}".repeat(300),
        ] {
            let error = BlockedWords::parse([bad.to_owned()]).unwrap_err();
            assert_eq!(error.path, "blockedWords", "{bad:?}");
        }
    }

    proptest! {
        /// A word matches wherever it stands alone, and never inside another word.
        #[test]
        fn whole_words_match(word in "[a-z]{2,10}", before in "[A-Z ,.!]{0,20}", after in "[A-Z ,.!]{0,20}") {
            let words = blocked(&[&word]);
            let upper = word.to_uppercase();
            let text = format!("{before} {upper}, {after}");
            prop_assert!(words.match_text(&text));
            let inside = format!("x{word}x");
            prop_assert!(!words.match_text(&inside));
        }

        /// No text panics, and stored words match the same texts as before.
        #[test]
        fn stored_words_match_the_same_texts(word in "\\PC{1,12}", text in "\\PC{0,60}") {
            if let Ok(words) = BlockedWords::parse([word.clone()]) {
                prop_assert!(words.match_text(&word));
                let stored = BlockedWords::from_stored(words.words().to_vec());
                prop_assert_eq!(stored.match_text(&text), words.match_text(&text));
            }
        }
    }
}
