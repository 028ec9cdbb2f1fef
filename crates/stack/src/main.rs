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
    /// Run the whole platform until Ctrl-C
    Run(RunConfig),
    /// Publish a test pattern to the running platform as a demo user, until Ctrl-C
    Demo(RunConfig),
    /// Run a service's binary with its settings in the running platform, such as `exec auth admin grant NAME`
    Exec {
        #[command(flatten)]
        run: RunConfig,
        /// The service
        service: String,
        /// The arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Compare each service's schema.rs with its migrations
    Schema {
        /// Write the files instead
        #[arg(long)]
        write: bool,
    },
    /// Run a command with its own servers and stop them afterwards
    Test {
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Run servers for the tests of this checkout until they are idle
    Up {
        /// Stop the servers after this many idle minutes
        #[arg(long, default_value_t = 20)]
        idle_minutes: u64,
    },
    /// Stop the background servers of this checkout
    Down,
    /// Serve a folder over S3
    S3 {
        /// The folder; each folder in it is a bucket
        #[arg(long)]
        root: PathBuf,
        /// The address to listen on
        #[arg(long)]
        listen: SocketAddr,
        /// The id of the only access key
        #[arg(long)]
        key_id: String,
        /// The secret of the access key
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
