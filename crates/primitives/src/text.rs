//! Validation of text that people type.
//!
//! Each function returns the normalised text (trimmed, NFC), or the broken rule. Lengths count grapheme
//! clusters, which people perceive as characters (Unicode Standard Annex 29). Since a cluster has no maximum
//! size, lengths in bytes are limited as well.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::field::FieldError;

/// Names that could be mistaken for paths or staff of the platform.
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

/// Maximum average size of a grapheme cluster, in bytes.
const BYTES_PER_CLUSTER: usize = 16;

/// Validates a username: 3 to 25 of the characters `A-Z a-z 0-9 _`, not reserved. Keeps the case, although
/// names that differ only in case are equal.
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

/// In bytes.
pub const MAX_PASSWORD_LENGTH: usize = 1024;

/// Validates a password: 8 to 1,024 bytes, not normalised.
pub fn password(text: &str) -> Result<(), FieldError> {
    if (8..=MAX_PASSWORD_LENGTH).contains(&text.len()) {
        Ok(())
    } else {
        Err(wrong_password_size())
    }
}

pub fn wrong_password_size() -> FieldError {
    FieldError::new("password", "wrong_size", "must be 8 to 1024 bytes")
        .with("min", 8)
        .with("max", 1024)
}

/// Validates a display name: 1 to 50 characters in one line.
pub fn display_name(text: &str) -> Result<String, FieldError> {
    line("displayName", text, 1, 50)
}

/// Validates a biography: up to 500 characters in any number of lines.
pub fn bio(text: &str) -> Result<String, FieldError> {
    paragraph("bio", text, 500)
}

/// Validates a title: 3 to 255 characters in one line.
pub fn title(text: &str) -> Result<String, FieldError> {
    line("title", text, 3, 255)
}

/// Validates a description: up to 5,000 characters in any number of lines.
pub fn description(text: &str) -> Result<String, FieldError> {
    paragraph("description", text, 5000)
}

/// Validates the reason of a ban: up to 500 characters in any number of lines.
pub fn reason(text: &str) -> Result<String, FieldError> {
    paragraph("reason", text, 500)
}

/// Validates a tag: 1 to 30 characters in one line.
pub fn tag(text: &str) -> Result<String, FieldError> {
    line("tags", text, 1, 30)
}

/// Validates a chat message: 1 to 500 characters, at most 2 KiB, not blank.
pub fn chat_message(text: &str) -> Result<String, FieldError> {
    if text.len() > 2048 {
        return Err(FieldError::new("message", "too_large", "must be at most 2048 bytes").with("max", 2048));
    }
    if text.chars().any(is_forbidden_in_paragraph) {
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

/// Shortens text, such as the message of an error that is stored or logged: removes control characters and
/// cuts the rest to at most `max_bytes` bytes of UTF-8.
#[must_use]
pub fn excerpt(text: &str, max_bytes: usize) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.truncate(text.floor_char_boundary(max_bytes));
    text
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
    if text.chars().any(is_forbidden_in_paragraph) {
        return Err(control_characters(path));
    }
    bounded(path, text.trim(), 0, max)
}

fn bounded(path: &'static str, text: &str, min: usize, max: usize) -> Result<String, FieldError> {
    let wrong_length = || FieldError::wrong_length(path, min, max);
    if text.len() > max * BYTES_PER_CLUSTER {
        return Err(wrong_length());
    }
    let text: String = text.nfc().collect();
    let visible = text.chars().filter(|c| !is_blank(*c)).count();
    let long_enough = min == 0 || visible > 0;
    if long_enough && (min..=max).contains(&text.graphemes(true).count()) {
        Ok(text)
    } else {
        Err(wrong_length())
    }
}

/// Matches control characters, and the marks that reorder the text around them.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Matches control characters other than line breaks and tabs.
fn is_forbidden_in_paragraph(c: char) -> bool {
    is_control(c) && !matches!(c, '\n' | '\r' | '\t')
}

/// Matches white space and invisible characters.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{180E}')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}')
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usernames_are_ascii_and_not_reserved() {
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
    fn lengths_count_grapheme_clusters() {
        assert!(display_name(&"👩‍👩‍👧".repeat(26)).is_ok());
        assert!(display_name(&"x".repeat(51)).is_err());
        assert!(title("ab").is_err());
        assert!(title("\u{200B}\u{200B}\u{200B}").is_err());
        assert!(title("nul\0l").is_err());
        assert_eq!(title("  a title ").as_deref(), Ok("a title"));
    }

    #[test]
    fn chat_messages_are_visible_and_short() {
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

    #[test]
    fn excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("one\n\ttwo\0", 100), "onetwo");
        assert_eq!(excerpt("abc", 3), "abc");
        assert_eq!(excerpt("aéé", 4), "aé");
        assert_eq!(excerpt("é", 1), "");
    }

    proptest! {
        #[test]
        fn validation_is_idempotent(text in "\\PC{0,60}") {
            if let Ok(valid) = display_name(&text) {
                prop_assert_eq!(display_name(&valid), Ok(valid.clone()));
            }
        }
    }
}
