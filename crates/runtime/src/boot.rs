//! From `main` to the service and back.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use primitives::Clock;

use crate::config::{ConfigError, TelemetryConfig};
use crate::shutdown::Shutdown;
use crate::telemetry::Telemetry;

/// `EX_CONFIG` of sysexits.h: the configuration is wrong, and a restart will not help.
pub const EXIT_CONFIG: u8 = 78;
/// How long blocking threads may delay the end of the process.
const BLOCKING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a service may take to close its connections after the hard stop.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The command line of a binary: a clap parser, usually with subcommands.
pub trait Command: clap::Parser {
    fn telemetry(&self) -> &TelemetryConfig;

    /// How long work in progress may take after a stop signal.
    fn stop_grace(&self) -> Duration;

    /// Checks the rules that span several settings.
    ///
    /// # Errors
    /// The first setting that breaks a rule.
    fn check(&self) -> Result<(), ConfigError>;
}

/// Runs a service; the whole of its `main`. `about` is the first line of its help. Exit codes: 0 after a stop
/// signal, 78 for an invalid configuration, 2 for invalid arguments, 1 for any other failure.
pub fn boot<C, F>(service: &'static str, about: &'static str, run: F) -> ExitCode
where
    C: Command,
    F: AsyncFnOnce(C, Clock, Shutdown) -> anyhow::Result<()>,
{
    crate::install_tls_provider();
    let command = match parse::<C>(service, about, std::env::args_os()) {
        Ok(command) => command,
        Err(rejection) => return rejection.report(service),
    };
    match start(service, command, run) {
        Ok(code) => code,
        Err(error) => failed(service, &error),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock of the process is created here"
)]
fn start<C, F>(service: &'static str, command: C, run: F) -> anyhow::Result<ExitCode>
where
    C: Command,
    F: AsyncFnOnce(C, Clock, Shutdown) -> anyhow::Result<()>,
{
    identity::self_test()?;
    let clock = Clock::system();
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let telemetry = {
        // The exporter spawns its connection on the runtime that it finds here.
        let _guard = tokio.enter();
        Telemetry::start(service, command.telemetry())?
    };
    let outcome = tokio.block_on(async {
        let shutdown = Shutdown::new(command.stop_grace());
        shutdown.listen_to_signals()?;
        tokio::select! {
            outcome = run(command, clock, shutdown.clone()) => outcome,
            () = close_timeout(&shutdown) => Err(anyhow::anyhow!("the service did not stop in time")),
        }
    });
    let code = exit_code(service, outcome);
    telemetry.stop();
    tokio.shutdown_timeout(BLOCKING_TIMEOUT);
    Ok(code)
}

async fn close_timeout(shutdown: &Shutdown) {
    shutdown.aborting().await;
    tokio::time::sleep(CLOSE_TIMEOUT).await;
}

fn exit_code(service: &str, outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    if let Some(error) = error.downcast_ref::<ConfigError>() {
        return Rejection::Config(error.clone()).report(service);
    }
    tracing::error!(error = format!("{error:#}"), "stopped by a failure");
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "logs have not started")]
fn failed(service: &str, error: &anyhow::Error) -> ExitCode {
    eprintln!("{service}: {error:#}");
    ExitCode::FAILURE
}

enum Rejection {
    Config(ConfigError),
    Usage(clap::Error),
}

impl Rejection {
    #[expect(
        clippy::print_stderr,
        reason = "one line for the person who starts the process; logs may not have started"
    )]
    fn report(self, service: &str) -> ExitCode {
        match self {
            Self::Config(error) => {
                eprintln!("{service}: {error}");
                ExitCode::from(EXIT_CONFIG)
            }
            Self::Usage(error) => {
                // Help goes to stdout with code 0, the rest to stderr with code 2.
                let _ = error.print();
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
            }
        }
    }
}

fn parse<C: Command>(
    service: &'static str,
    about: &'static str,
    args: impl IntoIterator<Item = OsString>,
) -> Result<C, Rejection> {
    let cli = C::command().name(service).about(about);
    let command = cli
        .clone()
        .try_get_matches_from(args)
        .and_then(|matches| C::from_arg_matches(&matches))
        .map_err(|error| explain(&cli, error))?;
    command.check().map_err(Rejection::Config)?;
    Ok(command)
}

/// Turns clap's error about a setting, which names the flag over several lines, into one line that names the
/// variable.
fn explain(command: &clap::Command, error: clap::Error) -> Rejection {
    let problem = match error.kind() {
        ErrorKind::MissingRequiredArgument => "is missing".to_owned(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            format!(
                "is invalid: {}",
                why.or_else(|| possible(&error))
                    .unwrap_or_else(|| "not a valid value".to_owned())
            )
        }
        _ => return Rejection::Usage(error),
    };
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => flag.clone(),
        Some(ContextValue::Strings(flags)) => flags.first().cloned().unwrap_or_default(),
        _ => return custom(error),
    };
    let name = variable(command, &flag).unwrap_or(flag);
    Rejection::Config(ConfigError::new(name, problem))
}

/// Reads the error of a value parser that must not repeat the value, since it may be a secret: `VARIABLE
/// problem`.
fn custom(error: clap::Error) -> Rejection {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    match line.strip_prefix("error: ").and_then(|line| line.split_once(' ')) {
        Some((name, problem)) if name.starts_with("AIRWAVE_") => {
            Rejection::Config(ConfigError::new(name, problem))
        }
        _ => Rejection::Usage(error),
    }
}

fn possible(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(values) => Some(format!("must be one of {}", values.join(", "))),
        _ => None,
    }
}

/// Finds the environment variable of a flag such as `--grpc-addr <GRPC_ADDR>` in a command and its
/// subcommands.
fn variable(command: &clap::Command, flag: &str) -> Option<String> {
    let long = flag.split_whitespace().next()?.strip_prefix("--")?;
    let here = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(long))
        .and_then(|arg| arg.get_env())
        .map(|name| name.to_string_lossy().into_owned());
    here.or_else(|| command.get_subcommands().find_map(|sub| variable(sub, flag)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, GrpcConfig};

    #[derive(clap::Parser)]
    enum Cli {
        Serve {
            #[command(flatten)]
            telemetry: TelemetryConfig,
            #[command(flatten)]
            grpc: GrpcConfig,
        },
    }

    impl Command for Cli {
        fn telemetry(&self) -> &TelemetryConfig {
            let Self::Serve { telemetry, .. } = self;
            telemetry
        }

        fn stop_grace(&self) -> Duration {
            Duration::ZERO
        }

        fn check(&self) -> Result<(), ConfigError> {
            let Self::Serve { grpc, .. } = self;
            match grpc.grpc_addr.ip().is_unspecified() && self.telemetry().env.is_production() {
                true => Err(ConfigError::new("AIRWAVE_GRPC_ADDR", "must name an address")),
                false => Ok(()),
            }
        }
    }

    fn rejection(args: &[&str]) -> String {
        let args = ["cli", "serve"].iter().chain(args).map(Into::into);
        match parse::<Cli>("cli", "A test.", args) {
            Ok(_) => panic!("accepted"),
            Err(Rejection::Config(error)) => error.to_string(),
            Err(Rejection::Usage(error)) => panic!("usage: {error}"),
        }
    }

    #[test]
    fn rejection_names_the_variable_in_one_line() {
        assert_eq!(rejection(&[]), "AIRWAVE_GRPC_ADDR is missing");
        assert_eq!(
            rejection(&["--grpc-addr", "x"]),
            "AIRWAVE_GRPC_ADDR is invalid: invalid socket address syntax"
        );
        let bad_env = rejection(&["--grpc-addr", "127.0.0.1:1", "--env", "staging"]);
        assert_eq!(
            bad_env,
            "AIRWAVE_ENV is invalid: must be one of development, production"
        );
        let bad_ratio = rejection(&["--grpc-addr", "127.0.0.1:1", "--trace-sample-ratio", "2"]);
        assert_eq!(bad_ratio, "AIRWAVE_TRACE_SAMPLE_RATIO is invalid: must be 0 to 1");
        assert_eq!(
            rejection(&["--grpc-addr", "0.0.0.0:1"]),
            "AIRWAVE_GRPC_ADDR must name an address"
        );
    }

    #[test]
    fn valid_configuration_is_accepted() {
        let args = [
            "cli",
            "serve",
            "--grpc-addr",
            "127.0.0.1:1",
            "--env",
            "development",
        ]
        .map(Into::into);
        let parsed = parse::<Cli>("cli", "A test.", args).unwrap_or_else(|_| panic!("rejected"));
        assert_eq!(parsed.telemetry().env, Environment::Development);
    }
}
