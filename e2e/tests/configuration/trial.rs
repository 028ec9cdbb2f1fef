//! Starts a program with the settings of a deployment to see whether it accepts them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::programs::BINARIES;

/// A variable and its value.
pub(crate) type Environment = BTreeMap<String, String>;

/// An occupied port, on which a program fails right after it has accepted its settings.
static TAKEN: LazyLock<TcpListener> = LazyLock::new(|| TcpListener::bind("127.0.0.1:0").unwrap());

/// The exit code for invalid settings.
const INVALID_SETTINGS: i32 = 78;

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

/// Asserts that the program accepts the settings.
pub(crate) fn accepts(command: &[String], environment: &Environment) {
    let output = start(command, environment);
    let message = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_ne!(
        output.status.code(),
        Some(INVALID_SETTINGS),
        "{command:?} refuses its settings: {message}"
    );
    assert!(
        message.contains("Address already in use"),
        "{command:?} did not come to its port: {message}"
    );
}

/// Asserts that the program rejects these settings in production because of their example secrets.
pub(crate) fn rejects_in_production(command: &[String], environment: &Environment) {
    let mut environment = environment.clone();
    environment.insert("AIRWAVE_ENV".to_owned(), "production".to_owned());
    let output = start(command, &environment);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(INVALID_SETTINGS),
        "{command:?}: {message}"
    );
    assert!(message.contains("example"), "{command:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{command:?}: {message}");
}
