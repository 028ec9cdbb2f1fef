//! Starts a program with the settings of a deployment, far enough to learn whether it accepts them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::programs::BINARIES;

/// A variable and its value.
pub(crate) type Environment = BTreeMap<String, String>;

/// A port that is taken: a program that has accepted its settings fails there, before it does anything else.
static TAKEN: LazyLock<TcpListener> = LazyLock::new(|| TcpListener::bind("127.0.0.1:0").unwrap());

/// The exit code of a program that refuses its settings.
const REFUSED: i32 = 78;

fn start(command: &[String], environment: &Environment) -> Output {
    let taken = TAKEN.local_addr().unwrap().to_string();
    let listeners = environment
        .keys()
        .filter(|name| name.starts_with("AIRWAVE_") && name.ends_with("_ADDR"));
    let mut program = Command::new(BINARIES.join(&command[0]));
    program
        .args(&command[1..])
        .env_clear()
        .envs(environment)
        .envs(listeners.map(|name| (name, &taken)));
    program.output().unwrap()
}

/// Fails when the program refuses the settings.
pub(crate) fn accepts(command: &[String], environment: &Environment) {
    let output = start(command, environment);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_ne!(
        output.status.code(),
        Some(REFUSED),
        "{command:?} refuses its settings: {said}"
    );
    assert!(
        said.contains("Address already in use"),
        "{command:?} did not come to its port: {said}"
    );
}

/// Fails unless the program refuses these settings in production, as they hold example secrets.
pub(crate) fn refused_in_production(command: &[String], environment: &Environment) {
    let mut environment = environment.clone();
    environment.insert("AIRWAVE_ENV".to_owned(), "production".to_owned());
    let output = start(command, &environment);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(REFUSED), "{command:?}: {said}");
    assert!(said.contains("example"), "{command:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{command:?}: {said}");
}
