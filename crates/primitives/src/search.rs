//! Normalised text for searching, without accents, case and punctuation, so that "phat song" finds "Phát
//! sóng".
//!
//! Stored text and search queries pass through the same [`search_text`].

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::FieldError;

const MAX_QUERY_LENGTH: usize = 100;
/// Further words of a query are ignored: they would only narrow a result that is already narrow.
const MAX_WORDS: usize = 8;
/// Words of this length and longer also match inside other words. Shorter ones match only at the start of a
/// word, since they are part of nearly every text.
const MIN_INFIX_LENGTH: usize = 3;

/// Returns the words of the texts in one line, in lower case and each after a space, without anything but
/// letters and digits.
#[must_use]
pub fn search_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for text in texts {
        let mut in_word = false;
        for c in text
            .nfkd()
            .filter(|c| !is_combining_mark(*c))
            .flat_map(char::to_lowercase)
        {
            // Lower case can add combining marks, as with İ.
            if is_combining_mark(c) {
                continue;
            }
            if !c.is_alphanumeric() {
                in_word = false;
                continue;
            }
            if !in_word {
                line.push(' ');
                in_word = true;
            }
            match transliterate(c) {
                Some(plain) => line.push_str(plain),
                None => line.push(c),
            }
        }
    }
    line
}

/// Returns the ASCII spelling of letters that Unicode does not decompose, but that people without the
/// keyboard for them type as plain letters.
fn transliterate(c: char) -> Option<&'static str> {
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

/// Returns the `LIKE` patterns of a query. A row matches if its [`search_text`] matches all of them.
fn search_patterns(query: &str) -> Vec<String> {
    let line = search_text([query]);
    let words = line.split_whitespace().take(MAX_WORDS);
    words
        .map(|word| {
            let start = if word.chars().count() < MIN_INFIX_LENGTH {
                "% "
            } else {
                "%"
            };
            format!("{start}{word}%")
        })
        .collect()
}

/// Validates the parameter `searchQuery` and returns its `LIKE` patterns. A row matches if its
/// [`search_text`] matches all of them.
///
/// # Errors
/// `wrong_length` above 100 characters, `invalid_query` without a letter or digit.
pub fn parse_search_query(query: &str) -> Result<Vec<String>, FieldError> {
    if query.chars().count() > MAX_QUERY_LENGTH {
        return Err(FieldError::wrong_length("searchQuery", 1, MAX_QUERY_LENGTH));
    }
    let patterns = search_patterns(query);
    if patterns.is_empty() {
        return Err(FieldError::new(
            "searchQuery",
            "invalid_query",
            "must contain a letter or a digit",
        ));
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
    fn short_words_match_only_at_the_start_of_a_word() {
        assert_eq!(search_patterns("Đá  phat"), ["% da%", "%phat%"]);
        assert!(search_patterns("%_\\ !").is_empty());
        assert_eq!(search_patterns("100%"), ["%100%"]);
        assert_eq!(search_patterns("a b c d e f g h i j").len(), 8);
    }

    #[test]
    fn query_needs_a_letter_or_digit_and_has_a_maximum_length() {
        let code = |query: &str| parse_search_query(query).map_err(|field| field.code);
        assert!(code(&"a".repeat(100)).is_ok());
        assert_eq!(code(&"a".repeat(101)), Err("wrong_length".into()));
        for unsearchable in ["", " !?"] {
            assert_eq!(
                code(unsearchable),
                Err("invalid_query".into()),
                "{unsearchable:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn normalisation_is_idempotent(text in "\\PC{0,60}") {
            let line = search_text([text.as_str()]);
            prop_assert_eq!(search_text([line.as_str()]), line.clone());
            prop_assert!(line.chars().all(|c| c == ' ' || c.is_alphanumeric()), "{}", line);
            let is_tidy = line.starts_with(' ') && !line.contains("  ") && !line.ends_with(' ');
            prop_assert!(line.is_empty() || is_tidy, "{}", line);
        }
    }
}
