//! The programs and their variables, from their `--help`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use stack::Service;

pub(crate) static BINARIES: LazyLock<PathBuf> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(stack::platform::binaries()).unwrap()
});

/// Every command of every program, and `airwave-stack run`.
pub(crate) static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
    let mut programs = Vec::new();
    for service in Service::ALL {
        explore(&[service.name()], &mut programs);
    }
    explore(&["airwave-stack", "run"], &mut programs);
    programs
});

/// A command with its subcommand, such as `vod work`, and its variables.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) command: Vec<String>,
    pub(crate) variables: BTreeMap<String, Variable>,
}

#[derive(Debug, Default)]
pub(crate) struct Variable {
    pub(crate) default: Option<String>,
    pub(crate) required: bool,
}

impl Program {
    /// Returns the program of a container's command.
    pub(crate) fn of(command: &[String]) -> &'static Self {
        let found = PROGRAMS.iter().find(|program| program.command == command);
        found.unwrap_or_else(|| panic!("unknown program {}", command.join(" ")))
    }

    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.variables.keys().cloned().collect()
    }

    pub(crate) fn required(&self) -> BTreeSet<String> {
        let required = self.variables.iter().filter(|(_, variable)| variable.required);
        required.map(|(name, _)| name.clone()).collect()
    }
}

/// Returns the variables of all programs.
pub(crate) fn known() -> BTreeSet<String> {
    PROGRAMS.iter().flat_map(Program::names).collect()
}

fn explore(command: &[&str], programs: &mut Vec<Program>) {
    let help = help(command);
    let (mut options, mut commands) = (Vec::new(), Vec::new());
    let mut section = &mut options;
    let mut nowhere = Vec::new();
    for line in help.lines() {
        match line {
            "Options:" => section = &mut options,
            "Commands:" => section = &mut commands,
            line if !line.starts_with(' ') && line.ends_with(':') => section = &mut nowhere,
            line => section.push(line),
        }
    }
    programs.push(Program {
        command: command.iter().map(ToString::to_string).collect(),
        variables: variables(&options, &usage(&help)),
    });
    let names = commands
        .iter()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    for name in names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
    {
        explore(&[command, &[name]].concat(), programs);
    }
}

fn help(command: &[&str]) -> String {
    let program = BINARIES.join(command[0]);
    let output = Command::new(&program)
        .args(&command[1..])
        .arg("--help")
        .env_clear()
        .output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "{command:?} --help: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the required flags, from the usage line.
fn usage(help: &str) -> BTreeSet<String> {
    let line = help
        .lines()
        .find(|line| line.starts_with("Usage:"))
        .unwrap_or_default();
    line.split_whitespace()
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

fn variables(lines: &[&str], required: &BTreeSet<String>) -> BTreeMap<String, Variable> {
    let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
    let (mut flag, mut name) = (String::new(), String::new());
    for line in lines {
        let text = line.trim();
        if let Some(found) = text.split_whitespace().find(|word| word.starts_with("--"))
            && text.starts_with('-')
        {
            found.clone_into(&mut flag);
        }
        if let Some(variable) = bracket(text, "env: ") {
            variable.trim_end_matches('=').clone_into(&mut name);
            let required = required.contains(&flag);
            variables.insert(
                name.clone(),
                Variable {
                    default: None,
                    required,
                },
            );
        }
        if let (Some(default), Some(variable)) = (bracket(text, "default: "), variables.get_mut(&name)) {
            variable.default = Some(default.trim_matches('"').to_owned());
        }
    }
    variables
}

/// Returns the value of `[key value]`, at the end of an option's line or on its own line.
fn bracket<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("[{key}"))?;
    rest.split(']').next()
}

#[test]
fn help_lists_variables() {
    let work = Program::of(&["vod".to_owned(), "work".to_owned()]);
    assert!(work.variables["AIRWAVE_VOD_NODE"].required, "{work:?}");
    assert_eq!(
        work.variables["AIRWAVE_VOD_WORKERS"].default.as_deref(),
        Some("2")
    );
    assert!(!work.variables["AIRWAVE_OTLP_ENDPOINT"].required);
    assert!(known().contains("AIRWAVE_EDGE_PORT"));
}
