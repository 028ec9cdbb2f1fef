//! Slugs of categories.

/// Does not count the prefix `category-` of all-digit names.
const MAX_LENGTH: usize = 100;

/// Returns the slug of a name: its words, transliterated to lower-case Latin letters and digits and joined by
/// `-`. A name of only digits gets the prefix `category-`, because URLs would take it for an id. A name
/// without letters and digits becomes `category`.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = slug::slugify(name);
    if slug.len() > MAX_LENGTH {
        let whole_words = slug.get(..=MAX_LENGTH).and_then(|start| start.rfind('-'));
        slug.truncate(whole_words.unwrap_or(MAX_LENGTH));
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
    fn slug_transliterates_and_truncates() {
        for (name, expected) in [
            ("Just Chatting", "just-chatting"),
            ("Đồ họa & Âm nhạc!", "do-hoa-am-nhac"),
            ("2048", "category-2048"),
            ("Pokémon 直播", "pokemon-zhi-bo"),
            ("…", "category"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
        assert_eq!(slug(&"x".repeat(300)), "x".repeat(MAX_LENGTH));
        assert_eq!(
            slug(&format!("{} {}", "x".repeat(60), "y".repeat(60))),
            "x".repeat(60)
        );
    }

    proptest! {
        #[test]
        fn every_slug_satisfies_the_database(name in "\\PC{0,120}") {
            let slug = slug(&name);
            prop_assert!(slug.len() <= MAX_LENGTH + 9);
            prop_assert!(slug.split('-').all(|word| !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())));
            prop_assert!(!slug.bytes().all(|b| b.is_ascii_digit()));
        }
    }
}
