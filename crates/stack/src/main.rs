//! Starts and stops the local servers: `airwave-stack help`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use stack::run::{self, RunConfig};
use stack::{background, demo, place, s3, schema};
use tokio::signal::unix::{SignalKind, signal};

/// The local servers of Airwave.
#[derive(Debug, Parser)]
#[command(name = "airwave-stack", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the whole platform until Ctrl-C.
    Run(RunConfig),
    /// Publishes a test picture to the running platform as a user would, until Ctrl-C.
    Demo(RunConfig),
    /// Runs a service's binary with the settings that it has in the running platform, such as `exec auth
    /// admin grant NAME`.
    Exec {
        #[command(flatten)]
        run: RunConfig,
        /// The service.
        service: String,
        /// The arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Compares the services' schema.rs with their migrations.
    Schema {
        /// Writes them instead.
        #[arg(long)]
        write: bool,
    },
    /// Runs a command with servers of its own, and stops them after it.
    Test {
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Runs servers for the tests of this checkout until nobody has used them for a while.
    Up {
        /// Minutes without a user after which the servers stop.
        #[arg(long, default_value_t = 20)]
        idle_minutes: u64,
    },
    /// Stops the servers that the tests of this checkout left running.
    Down,
    /// Serves a folder as an S3 server; the key's secret is in AIRWAVE_S3_SECRET.
    S3 {
        /// The folder; each folder in it is a bucket.
        #[arg(long)]
        root: PathBuf,
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// The id of the one key that may read and write.
        #[arg(long)]
        key_id: String,
        /// The key's secret.
        #[arg(long, env = "AIRWAVE_S3_SECRET", hide_env_values = true)]
        secret: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("airwave-stack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    place::allow_many_files()?;
    match command {
        Command::Run(config) => run::run(config).await?,
        Command::Demo(config) => demo::run(&config).await?,
        Command::Exec {
            run,
            service,
            arguments,
        } => run::exec(&run, &service, &arguments)?,
        Command::Schema { write } => schema::check(write).await?,
        Command::Test { command } => {
            let ended = background::around(&command).await?;
            let code = ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            return Ok(ExitCode::from(code));
        }
        Command::Up { idle_minutes } => background::serve(Duration::from_secs(idle_minutes * 60)).await?,
        Command::Down => background::stop().await?,
        Command::S3 {
            root,
            listen,
            key_id,
            secret,
        } => {
            s3::serve(&root, listen, &key_id, &secret, terminated()?).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn terminated() -> Result<impl Future<Output = ()>> {
    let mut signals = signal(SignalKind::terminate())?;
    Ok(async move {
        signals.recv().await;
    })
}
