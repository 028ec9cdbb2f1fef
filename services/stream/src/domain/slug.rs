//! A category's name in URLs.

use domain::FieldError;
use domain::search::search_text;

/// The longest slug.
const MOST: usize = 100;

/// Makes a slug of a name: its ASCII letters and digits in lower case, words joined by `-`. All digits would be taken for an id, so such
/// a name gets a word in front.
///
/// # Errors
/// A name of which nothing is left, such as one in Chinese.
pub fn slug(name: &str) -> Result<String, FieldError> {
    let text = search_text([name]);
    let words = text
        .split_whitespace()
        .map(|word| word.chars().filter(char::is_ascii).collect::<String>());
    let mut slug = String::new();
    for mut word in words.filter(|word| !word.is_empty()) {
        if slug.is_empty() {
            word.truncate(MOST);
        } else {
            slug.push('-');
        }
        if slug.len() + word.len() > MOST {
            break;
        }
        slug.push_str(&word);
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() {
        return Err(FieldError::new(
            "name",
            "must have a Latin letter or a digit, for its address",
        ));
    }
    if slug.bytes().all(|byte| byte.is_ascii_digit()) {
        slug.insert_str(0, "category-");
    }
    Ok(slug)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_addresses() {
        for (name, expected) in [
            ("Just Chatting", "just-chatting"),
            ("Đồ họa & Âm nhạc!", "do-hoa-am-nhac"),
            ("2048", "category-2048"),
            ("Pokémon 直播", "pokemon"),
        ] {
            assert_eq!(slug(name).as_deref(), Ok(expected), "{name}");
        }
        assert!(slug("直播").is_err());
        assert_eq!(slug(&"x".repeat(300)), Ok("x".repeat(MOST)));
    }

    proptest! {
        #[test]
        fn the_database_takes_every_slug(name in "\\PC{0,120}") {
            if let Ok(slug) = slug(&name) {
                prop_assert!(slug.len() <= MOST + 9);
                prop_assert!(slug.split('-').all(|word| !word.is_empty()
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())));
                prop_assert!(!slug.bytes().all(|b| b.is_ascii_digit()));
            }
        }
    }
}
