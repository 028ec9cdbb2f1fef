//! From `main` to the service and back.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::config::{ConfigError, TelemetryConfig};
use crate::shutdown::Shutdown;
use crate::telemetry::Telemetry;

/// `EX_CONFIG` of sysexits: the configuration is wrong, and a restart will not help.
pub const EXIT_CONFIG: u8 = 78;
/// How long threads that still run may hold the process back at its end.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// How long a service may take to close its connections after the hard stop.
const OVERDUE: Duration = Duration::from_secs(10);

/// What a binary can be told: a clap parser, usually of subcommands.
pub trait Command: clap::Parser {
    /// Logs and traces of this run.
    fn telemetry(&self) -> &TelemetryConfig;

    /// How long work in progress may take after a signal to stop.
    fn stop_grace(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// The rules that span several settings, such as that production has no example secrets.
    ///
    /// # Errors
    /// The setting that breaks one.
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// What `boot` hands to a service.
pub struct Process {
    /// Ends with the signals that the process gets.
    pub shutdown: Shutdown,
}

/// Runs a service: the whole of its `main`. Exit codes: 0 after a signal, 78 for a wrong configuration, 1 for
/// any failure, 2 for arguments that make no sense.
pub fn boot<C, F, R>(service: &'static str, run: F) -> ExitCode
where
    C: Command,
    F: FnOnce(C, Process) -> R,
    R: Future<Output = anyhow::Result<()>>,
{
    crate::install_tls_provider();
    let command = match parse::<C>(std::env::args_os()) {
        Ok(command) => command,
        Err(refusal) => return refusal.report(service),
    };
    if let Err(error) = identity::self_test() {
        return failed(service, &error);
    }
    let tokio = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(tokio) => tokio,
        Err(error) => return failed(service, &error),
    };
    let telemetry = {
        // The exporter starts its connection on the runtime that it finds here.
        let _guard = tokio.enter();
        match Telemetry::start(service, command.telemetry()) {
            Ok(telemetry) => telemetry,
            Err(error) => return failed(service, error.as_ref() as &dyn std::error::Error),
        }
    };
    let outcome = tokio.block_on(async {
        let shutdown = Shutdown::new(command.stop_grace());
        shutdown.listen_to_signals()?;
        let process = Process {
            shutdown: shutdown.clone(),
        };
        tokio::select! {
            outcome = run(command, process) => outcome,
            () = overdue(shutdown) => Err(anyhow::anyhow!("the service did not end in time")),
        }
    });
    let code = exit_code(service, outcome);
    telemetry.stop();
    tokio.shutdown_timeout(LAST_MOMENT);
    code
}

async fn overdue(shutdown: Shutdown) {
    shutdown.aborting().await;
    tokio::time::sleep(OVERDUE).await;
}

fn exit_code(service: &str, outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    if let Some(wrong) = error.downcast_ref::<ConfigError>() {
        return Refusal::Config(wrong.clone()).report(service);
    }
    tracing::error!(error = format!("{error:#}"), "stopping");
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "logs have not started")]
fn failed(service: &str, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{service}: {error}");
    ExitCode::FAILURE
}

enum Refusal {
    Config(ConfigError),
    Usage(clap::Error),
}

impl Refusal {
    #[expect(
        clippy::print_stderr,
        reason = "the one clear line; logs may not have started"
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

fn parse<C: Command>(args: impl IntoIterator<Item = OsString>) -> Result<C, Refusal> {
    let command = C::try_parse_from(args).map_err(|error| explain(&C::command(), error))?;
    command.check().map_err(Refusal::Config)?;
    Ok(command)
}

/// Turns clap's words about a setting, which name the flag over several lines, into one that names the
/// variable.
fn explain(command: &clap::Command, error: clap::Error) -> Refusal {
    let problem = match error.kind() {
        ErrorKind::MissingRequiredArgument => "is missing".to_owned(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            format!(
                "is invalid: {}",
                why.or_else(|| possible(&error))
                    .unwrap_or_else(|| "not a possible value".to_owned())
            )
        }
        _ => return Refusal::Usage(error),
    };
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => flag.clone(),
        Some(ContextValue::Strings(flags)) => flags.first().cloned().unwrap_or_default(),
        _ => return own_words(error),
    };
    let name = variable(command, &flag).unwrap_or(flag);
    Refusal::Config(ConfigError::new(name, problem))
}

/// A parser of ours that refuses a value without repeating it says `VARIABLE what is wrong` and nothing else.
fn own_words(error: clap::Error) -> Refusal {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    match line.strip_prefix("error: ").and_then(|line| line.split_once(' ')) {
        Some((name, problem)) if name.starts_with("AIRWAVE_") => {
            Refusal::Config(ConfigError::new(name, problem))
        }
        _ => Refusal::Usage(error),
    }
}

fn possible(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(values) => Some(format!("must be one of {}", values.join(", "))),
        _ => None,
    }
}

/// The environment variable behind a flag such as `--grpc-addr <GRPC_ADDR>`, in the command or any below it.
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

        fn check(&self) -> Result<(), ConfigError> {
            let Self::Serve { grpc, .. } = self;
            match grpc.grpc_addr.ip().is_unspecified() && self.telemetry().env.is_production() {
                true => Err(ConfigError::new("AIRWAVE_GRPC_ADDR", "must name an address")),
                false => Ok(()),
            }
        }
    }

    fn refusal(args: &[&str]) -> String {
        let args = ["cli", "serve"].iter().chain(args).map(Into::into);
        match parse::<Cli>(args) {
            Ok(_) => panic!("accepted"),
            Err(Refusal::Config(error)) => error.to_string(),
            Err(Refusal::Usage(error)) => panic!("usage: {error}"),
        }
    }

    #[test]
    fn a_refusal_is_one_line_that_names_the_variable() {
        assert_eq!(refusal(&[]), "AIRWAVE_GRPC_ADDR is missing");
        assert_eq!(
            refusal(&["--grpc-addr", "x"]),
            "AIRWAVE_GRPC_ADDR is invalid: invalid socket address syntax"
        );
        let bad_env = refusal(&["--grpc-addr", "127.0.0.1:1", "--env", "staging"]);
        assert_eq!(
            bad_env,
            "AIRWAVE_ENV is invalid: must be one of development, production"
        );
        let bad_ratio = refusal(&["--grpc-addr", "127.0.0.1:1", "--trace-sample-ratio", "2"]);
        assert_eq!(bad_ratio, "AIRWAVE_TRACE_SAMPLE_RATIO is invalid: must be 0 to 1");
        assert_eq!(
            refusal(&["--grpc-addr", "0.0.0.0:1"]),
            "AIRWAVE_GRPC_ADDR must name an address"
        );
    }

    #[test]
    fn a_good_configuration_is_taken() {
        let args = [
            "cli",
            "serve",
            "--grpc-addr",
            "127.0.0.1:1",
            "--env",
            "development",
        ]
        .map(Into::into);
        let parsed = parse::<Cli>(args).unwrap_or_else(|_| panic!("refused"));
        assert_eq!(parsed.telemetry().env, Environment::Development);
    }
}
