//! Expansion of variables as Compose does it.

use std::collections::BTreeMap;

use crate::trial::Environment;

/// Expands `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, also nested, as Compose does.
pub(super) fn expand(text: &str, given: &Environment) -> String {
    let Some(start) = text.find("${") else {
        return text.replace("$$", "$");
    };
    let end = start + closing(&text[start..]);
    let inside = &text[start + 2..end];
    let name: String = inside
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    let value = match (given.get(&name), inside[name.len()..].strip_prefix(":-")) {
        (Some(value), _) => value.clone(),
        (None, Some(default)) => expand(default, given),
        (None, None) => panic!("{name} is not in .env.example"),
    };
    format!("{}{value}{}", &text[..start], expand(&text[end + 1..], given))
}

/// Returns the position of the closing brace.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if c == '}' && depth == 0 {
            return at;
        }
    }
    panic!("{text} has no closing brace")
}

#[test]
fn variables_are_expanded() {
    let given = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
    for (text, expected) in [
        ("${A}", "1"),
        ("x${A:?message}y${B:-${C:-2}:${A}}z", "x1y2:1z"),
        ("$$A", "$A"),
        ("${A:-9}", "1"),
    ] {
        assert_eq!(expand(text, &given), expected, "{text}");
    }
}
