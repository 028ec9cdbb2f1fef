use std::collections::{BTreeSet, HashMap};

use primitives::FieldError;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_segmentation::UnicodeSegmentation;

/// Words of one room.
const MOST: usize = 200;
/// Characters of a word, and the bytes that they may take.
const LONGEST: usize = 50;
const LONGEST_BYTES: usize = 400;

/// The words that may not be said in a room: found as whole words, whatever the case and the accents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockedWords {
    words: Vec<String>,
    /// What follows each first word, folded: one entry for each word or phrase.
    folded: HashMap<String, Vec<Vec<String>>>,
}

impl BlockedWords {
    /// Checks words that a moderator sent. Those that are the same to us are kept once.
    ///
    /// # Errors
    /// The rule that one breaks.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, FieldError> {
        let refuse = |message: String| Err(FieldError::new("blockedWords", "invalid", message));
        let (mut kept, mut seen) = (Vec::new(), BTreeSet::new());
        for (at, word) in words.into_iter().enumerate() {
            if at >= MOST {
                return refuse(format!("must be at most {MOST}"));
            }
            let word = word.trim();
            let fits = word.len() <= LONGEST_BYTES && (1..=LONGEST).contains(&word.graphemes(true).count());
            if !fits || word.contains(char::is_control) {
                return refuse(format!("must have 1 to {LONGEST} characters each"));
            }
            let folded = fold(word);
            if folded.is_empty() {
                return refuse("must each hold a letter, a digit or a sign".to_owned());
            }
            if seen.insert(folded) {
                kept.push(word.to_owned());
            }
        }
        Ok(Self::stored(kept))
    }

    /// Words that were checked before.
    #[must_use]
    pub fn stored(words: Vec<String>) -> Self {
        let mut folded = HashMap::<String, Vec<Vec<String>>>::new();
        for word in &words {
            let mut parts = fold(word).into_iter();
            if let Some(first) = parts.next() {
                folded.entry(first).or_default().push(parts.collect());
            }
        }
        Self { words, folded }
    }

    /// The words as they were typed.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a text holds one of them.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        if self.folded.is_empty() {
            return false;
        }
        let said = fold(text);
        let mut rest = said.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            let phrases = self.folded.get(first).into_iter().flatten();
            if phrases.into_iter().any(|phrase| behind.starts_with(phrase)) {
                return true;
            }
            rest = behind;
        }
        false
    }
}

/// The words of a text as they are compared: compatibility forms, case and accents make no difference, what
/// shows nothing is left out, and punctuation only parts words.
fn fold(text: &str) -> Vec<String> {
    let plain: String = text
        .nfkd()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkd()
        .filter(|c| !is_accent(*c) && !shows_nothing(*c))
        .map(|c| if parts_words(c) { ' ' } else { c })
        .collect();
    let words = plain.split_word_bounds();
    words
        .filter(|word| !word.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// Marks above, below and through letters, and the points of Hebrew and Arabic. Vowel signs that are letters
/// of their own are not among them: without those, words of Indian scripts would be others.
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 10..=35 | 200..)
}

/// Also the colours of skin: a sign is the same in each.
fn shows_nothing(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{1F3FB}'..='\u{1F3FF}')
}

fn parts_words(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(c, '\u{A1}'..='\u{BF}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocked(words: &[&str]) -> BlockedWords {
        BlockedWords::parse(words.iter().map(|word| (*word).to_owned())).unwrap()
    }

    #[test]
    fn case_and_accents_make_no_difference() {
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
            assert!(words.are_in(text), "{text}");
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
            assert!(!words.are_in(text), "{text}");
        }
        assert!(!BlockedWords::default().are_in("anything"));
    }

    #[test]
    fn words_have_bounds_and_are_kept_once() {
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
            let refused = BlockedWords::parse([bad.to_owned()]).unwrap_err();
            assert_eq!(refused.path, "blockedWords", "{bad:?}");
        }
    }

    proptest! {
        /// Wherever a word stands alone it is found, and never inside another.
        #[test]
        fn whole_words_are_found(word in "[a-z]{2,10}", before in "[A-Z ,.!]{0,20}", after in "[A-Z ,.!]{0,20}") {
            let words = blocked(&[&word]);
            let upper = word.to_uppercase();
            let text = format!("{before} {upper}, {after}");
            prop_assert!(words.are_in(&text));
            let inside = format!("x{word}x");
            prop_assert!(!words.are_in(&inside));
        }

        /// No text breaks it, and what was stored works as it did.
        #[test]
        fn what_is_kept_is_found_again(word in "\\PC{1,12}", text in "\\PC{0,60}") {
            if let Ok(words) = BlockedWords::parse([word.clone()]) {
                prop_assert!(words.are_in(&word));
                let again = BlockedWords::stored(words.words().to_vec());
                prop_assert_eq!(again.are_in(&text), words.are_in(&text));
            }
        }
    }
}
