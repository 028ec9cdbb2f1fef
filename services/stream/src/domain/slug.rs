//! A category's name in URLs.

/// The longest slug, but for the word that a number gets.
const MOST: usize = 100;

/// Makes a slug of a name: its words in Latin letters and digits, in lower case and joined by `-`. Other
/// scripts are written as they sound. All digits would be taken for an id, so such a name gets a word in
/// front; a name of which nothing is left is that word.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = slug::slugify(name);
    if slug.len() > MOST {
        let whole_words = slug.get(..=MOST).and_then(|start| start.rfind('-'));
        slug.truncate(whole_words.unwrap_or(MOST));
    }
    if slug.is_empty() {
        return "category".to_owned();
    }
    if slug.bytes().all(|byte| byte.is_ascii_digit()) {
        slug.insert_str(0, "category-");
    }
    slug
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
            ("Pokémon 直播", "pokemon-zhi-bo"),
            ("…", "category"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
        assert_eq!(slug(&"x".repeat(300)), "x".repeat(MOST));
        assert_eq!(
            slug(&format!("{} {}", "x".repeat(60), "y".repeat(60))),
            "x".repeat(60)
        );
    }

    proptest! {
        #[test]
        fn the_database_takes_every_slug(name in "\\PC{0,120}") {
            let slug = slug(&name);
            prop_assert!(slug.len() <= MOST + 9);
            prop_assert!(slug.split('-').all(|word| !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())));
            prop_assert!(!slug.bytes().all(|b| b.is_ascii_digit()));
        }
    }
}
