//! `.env.example` lists every variable with its default and one line of explanation.

use std::collections::BTreeSet;

use crate::programs::{PROGRAMS, known};
use crate::{assert_same, read};

/// A variable of the file: its comment, its value, and whether the line is commented out.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) set: bool,
    comment: Option<String>,
}

pub(crate) fn entries() -> Vec<Entry> {
    let text = read(".env.example");
    let mut entries = Vec::new();
    let mut before = "";
    for line in text.lines() {
        let shown = line.strip_prefix('#').unwrap_or(line);
        if let Some((name, value)) = shown.split_once('=').filter(|(name, _)| is_name(name)) {
            let comment = before
                .strip_prefix("# ")
                .filter(|comment| !comment.starts_with('-'));
            entries.push(Entry {
                name: name.to_owned(),
                value: value.to_owned(),
                set: !line.starts_with('#'),
                comment: comment.map(str::to_owned),
            });
        }
        before = line;
    }
    entries
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[test]
fn lists_exactly_the_variables_of_the_programs() {
    let listed: Vec<_> = entries().into_iter().map(|entry| entry.name).collect();
    let names: BTreeSet<_> = listed
        .iter()
        .filter(|name| name.starts_with("AIRWAVE_"))
        .cloned()
        .collect();
    assert_same("the programs and .env.example", &known(), &names);
    let distinct: BTreeSet<_> = listed.iter().collect();
    assert_eq!(distinct.len(), listed.len(), "a variable is listed twice");
}

#[test]
fn every_variable_has_a_comment_line() {
    for entry in entries() {
        assert!(
            entry.comment.is_some(),
            "{} has no comment line above it",
            entry.name
        );
    }
}

#[test]
fn commented_values_are_the_defaults() {
    let entries = entries();
    for (name, variable) in PROGRAMS.iter().flat_map(|program| &program.variables) {
        let Some(default) = &variable.default else {
            continue;
        };
        let entry = entries.iter().find(|entry| entry.name == *name).unwrap();
        assert!(
            entry.set || entry.value == *default,
            "the default of {name} is {default:?}, not {:?}",
            entry.value
        );
    }
}
