//! The rules for text that people type. Lengths count grapheme clusters, what a person takes for one
//! character (Unicode Standard Annex 29); each has a bound in bytes too, since one cluster may be of any
//! size.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::field::FieldError;

/// Names that would be taken for the platform's own paths or people.
const RESERVED_USERNAMES: &[&str] = &[
    "about",
    "admin",
    "administrator",
    "airwave",
    "anonymous",
    "api",
    "app",
    "auth",
    "chat",
    "dash",
    "docs",
    "guest",
    "help",
    "hls",
    "internal",
    "live",
    "login",
    "logout",
    "mod",
    "moderator",
    "null",
    "official",
    "root",
    "settings",
    "socket",
    "static",
    "stat",
    "stream",
    "streams",
    "support",
    "system",
    "undefined",
    "user",
    "users",
    "vod",
    "www",
];

/// Bytes that one cluster may take on average before the text is refused.
const BYTES_PER_CLUSTER: usize = 16;

/// A username: 3 to 25 of A–Z a–z 0–9 _, not reserved. Kept as typed; two names are the same without case.
///
/// # Errors
/// The rule that it breaks.
pub fn username(text: &str) -> Result<String, FieldError> {
    let fits = (3..=25).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !fits {
        return Err(FieldError::new(
            "username",
            "invalid_username",
            "must be 3 to 25 of the characters A-Z a-z 0-9 _",
        )
        .with("min", 3)
        .with("max", 25));
    }
    if RESERVED_USERNAMES.contains(&text.to_ascii_lowercase().as_str()) {
        return Err(FieldError::new("username", "reserved", "is reserved"));
    }
    Ok(text.to_owned())
}

/// A password: 8 to 1,024 bytes, taken as they are.
///
/// # Errors
/// The rule that it breaks.
pub fn password(text: &str) -> Result<(), FieldError> {
    if (8..=1024).contains(&text.len()) {
        Ok(())
    } else {
        Err(
            FieldError::new("password", "wrong_size", "must be 8 to 1024 bytes")
                .with("min", 8)
                .with("max", 1024),
        )
    }
}

/// A display name: 1 to 50 characters on one line.
///
/// # Errors
/// The rule that it breaks.
pub fn display_name(text: &str) -> Result<String, FieldError> {
    line("displayName", text, 1, 50)
}

/// A biography: up to 500 characters, lines allowed.
///
/// # Errors
/// The rule that it breaks.
pub fn bio(text: &str) -> Result<String, FieldError> {
    paragraph("bio", text, 500)
}

/// A title: 3 to 255 characters on one line.
///
/// # Errors
/// The rule that it breaks.
pub fn title(text: &str) -> Result<String, FieldError> {
    line("title", text, 3, 255)
}

/// A description: up to 5,000 characters, lines allowed.
///
/// # Errors
/// The rule that it breaks.
pub fn description(text: &str) -> Result<String, FieldError> {
    paragraph("description", text, 5000)
}

/// Why somebody is banned: up to 500 characters, lines allowed.
///
/// # Errors
/// The rule that it breaks.
pub fn reason(text: &str) -> Result<String, FieldError> {
    paragraph("reason", text, 500)
}

/// A tag: 1 to 30 characters on one line.
///
/// # Errors
/// The rule that it breaks.
pub fn tag(text: &str) -> Result<String, FieldError> {
    line("tags", text, 1, 30)
}

/// A chat message: 1 to 500 characters and at most 2 KiB, with something to see in it.
///
/// # Errors
/// The rule that it breaks.
pub fn chat_message(text: &str) -> Result<String, FieldError> {
    if text.len() > 2048 {
        return Err(FieldError::new("message", "too_large", "must be at most 2048 bytes").with("max", 2048));
    }
    if text.chars().any(breaks_a_paragraph) {
        return Err(control_characters("message"));
    }
    if text.chars().all(is_blank) {
        return Err(FieldError::required("message"));
    }
    let text: String = text.trim().nfc().collect();
    if text.graphemes(true).count() > 500 {
        return Err(FieldError::wrong_length("message", 1, 500));
    }
    Ok(text)
}

fn control_characters(path: &'static str) -> FieldError {
    FieldError::new(path, "control_characters", "must not contain control characters")
}

fn line(path: &'static str, text: &str, min: usize, max: usize) -> Result<String, FieldError> {
    if text.chars().any(is_control) {
        return Err(control_characters(path));
    }
    bounded(path, text.trim(), min, max)
}

fn paragraph(path: &'static str, text: &str, max: usize) -> Result<String, FieldError> {
    if text.chars().any(breaks_a_paragraph) {
        return Err(control_characters(path));
    }
    bounded(path, text.trim(), 0, max)
}

fn bounded(path: &'static str, text: &str, min: usize, max: usize) -> Result<String, FieldError> {
    let refuse = || FieldError::wrong_length(path, min, max);
    if text.len() > max * BYTES_PER_CLUSTER {
        return Err(refuse());
    }
    let text: String = text.nfc().collect();
    let visible = text.chars().filter(|c| !is_blank(*c)).count();
    let long_enough = min == 0 || visible > 0;
    if long_enough && (min..=max).contains(&text.graphemes(true).count()) {
        Ok(text)
    } else {
        Err(refuse())
    }
}

/// Control characters, and the marks that reorder the text around them.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Control characters that have no place in lines of text.
fn breaks_a_paragraph(c: char) -> bool {
    is_control(c) && !matches!(c, '\n' | '\r' | '\t')
}

/// White space, and the characters that show nothing.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usernames_are_plain_and_not_ours() {
        assert_eq!(username("Lan_99").as_deref(), Ok("Lan_99"));
        for bad in [
            "",
            "ab",
            "a b c",
            "é_é_é",
            "Admin",
            "NULL",
            ".",
            "abcdefghijklmnopqrstuvwxyz",
            "a\0bc",
        ] {
            assert!(username(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lengths_count_what_a_person_sees() {
        assert!(display_name(&"👩‍👩‍👧".repeat(26)).is_ok());
        assert!(display_name(&"x".repeat(51)).is_err());
        assert!(title("ab").is_err());
        assert!(title("\u{200B}\u{200B}\u{200B}").is_err());
        assert!(title("nul\0l").is_err());
        assert_eq!(title("  a title ").as_deref(), Ok("a title"));
    }

    #[test]
    fn chat_messages_have_something_to_see() {
        assert_eq!(chat_message("<b>hi</b>").as_deref(), Ok("<b>hi</b>"));
        for bad in [
            "",
            "  \n",
            "\u{200B}\u{200D}",
            "a\0b",
            &"x".repeat(501),
            &"é".repeat(1025),
        ] {
            assert!(chat_message(bad).is_err(), "{bad:?}");
        }
        assert!(chat_message(&"x".repeat(500)).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again(text in "\\PC{0,60}") {
            if let Ok(kept) = display_name(&text) {
                prop_assert_eq!(display_name(&kept), Ok(kept.clone()));
            }
        }
    }
}
