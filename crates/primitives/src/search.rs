//! Text as it is searched: without accents, case and punctuation, so that "phat song" finds "Phát sóng". What
//! is stored and what is asked for pass through the same function.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::FieldError;

/// Characters of a question.
const MOST_CHARS: usize = 100;
/// Words of a question that are looked at; more would only narrow what is narrow already.
const MAX_WORDS: usize = 8;
/// From this length on a word is also found inside of others; shorter ones are found only where a word
/// begins, since they are part of nearly everything.
const INFIX: usize = 3;

/// The words of texts in one line, each after a space, in lower case, of letters and digits alone.
#[must_use]
pub fn search_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for text in texts {
        let mut inside = false;
        for c in text
            .nfkd()
            .filter(|c| !is_combining_mark(*c))
            .flat_map(char::to_lowercase)
        {
            // Lower case may bring marks of its own, as with İ.
            if is_combining_mark(c) {
                continue;
            }
            if !c.is_alphanumeric() {
                inside = false;
                continue;
            }
            if !inside {
                line.push(' ');
                inside = true;
            }
            match plain(c) {
                Some(plain) => line.push_str(plain),
                None => line.push(c),
            }
        }
    }
    line
}

/// Letters that are not a plain letter and a mark to Unicode, yet are typed as one by those without their
/// keyboard.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'đ' | 'ð' => "d",
        'ø' => "o",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// The patterns (SQL's LIKE) that a [`search_text`] must match, all of them, to be found. None when nothing
/// searchable is asked.
#[must_use]
pub fn search_patterns(question: &str) -> Vec<String> {
    let line = search_text([question]);
    let words = line.split_whitespace().take(MAX_WORDS);
    words
        .map(|word| {
            let start = if word.chars().count() < INFIX { "% " } else { "%" };
            format!("{start}{word}%")
        })
        .collect()
}

/// The patterns of a question as it came from outside.
///
/// # Errors
/// More than 100 characters, or none that is a letter or a digit: it would find nothing.
pub fn search_question(question: &str) -> Result<Vec<String>, FieldError> {
    let patterns = search_patterns(question);
    if question.chars().count() > MOST_CHARS || patterns.is_empty() {
        let rule = format!("must have a letter or a digit and at most {MOST_CHARS} characters");
        return Err(FieldError::new("searchQuery", "invalid_query", rule));
    }
    Ok(patterns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_case_and_punctuation_do_not_matter() {
        assert_eq!(search_text(["Phát sóng", "ĐÁ banh!"]), " phat song da banh");
        assert_eq!(search_text(["Łódź—Straße", "ﬁne"]), " lodz strasse fine");
        assert_eq!(search_text(["İstanbul 直播 ２０２６"]), " istanbul 直播 2026");
        assert_eq!(search_text(["", "!?", "a_b"]), " a b");
    }

    #[test]
    fn short_words_are_found_where_a_word_begins() {
        assert_eq!(search_patterns("Đá  phat"), ["% da%", "%phat%"]);
        assert!(search_patterns("%_\\ !").is_empty());
        assert_eq!(search_patterns("100%"), ["%100%"]);
        assert_eq!(search_patterns("a b c d e f g h i j").len(), 8);
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_normal(text in "\\PC{0,60}") {
            let line = search_text([text.as_str()]);
            prop_assert_eq!(search_text([line.as_str()]), line.clone());
            prop_assert!(line.chars().all(|c| c == ' ' || c.is_alphanumeric()), "{}", line);
            prop_assert!(line.is_empty() || line.starts_with(' ') && !line.contains("  ") && !line.ends_with(' '));
        }
    }
}
