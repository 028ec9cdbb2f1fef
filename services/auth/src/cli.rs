//! What the binary can be told.

use std::time::Duration;

use primitives::Role;
use runtime::{Command, ConfigError, TelemetryConfig};
use storage::DatabaseConfig;

use crate::config::{Config, PasswordConfig};
use crate::passwords::Passwords;

/// Accounts, sessions, tokens and follows of Airwave.
#[derive(Debug, clap::Parser)]
#[command(name = "auth", version)]
pub enum Cli {
    /// Answer until a signal comes; migrates the database first
    Serve(Box<Config>),
    /// Bring the database up to date and exit
    Migrate(MigrateConfig),
    /// Change an account from the command line
    Admin(AdminConfig),
}

/// What `migrate` needs.
#[derive(Debug, clap::Args)]
pub struct MigrateConfig {
    /// Logs.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,
}

/// What `admin` needs.
#[derive(Debug, clap::Args)]
pub struct AdminConfig {
    /// Logs.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// Password hashing.
    #[command(flatten)]
    pub passwords: PasswordConfig,
    /// What is to be done.
    #[command(subcommand)]
    pub action: AdminAction,
}

/// What an administrator can do from the command line.
#[derive(Debug, clap::Subcommand)]
pub enum AdminAction {
    /// Give an account a role; it counts from the next sign-in or refresh on
    Grant {
        /// The account's name
        name: String,
        /// user, moderator or admin
        #[arg(long, default_value = "admin")]
        role: Role,
    },
    /// Give an account another password and end its sessions; prints a new random one unless told to read it
    ResetPassword {
        /// The account's name
        name: String,
        /// Read the password from standard input, up to the end of the line
        #[arg(long)]
        stdin: bool,
    },
}

impl Command for Cli {
    fn telemetry(&self) -> &TelemetryConfig {
        match self {
            Self::Serve(config) => &config.process.telemetry,
            Self::Migrate(config) => &config.telemetry,
            Self::Admin(config) => &config.telemetry,
        }
    }

    fn stop_grace(&self) -> Duration {
        match self {
            Self::Serve(config) => config.process.stop_grace(),
            Self::Migrate(_) | Self::Admin(_) => Duration::from_secs(5),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Serve(config) => config.check(),
            Self::Migrate(_) => Ok(()),
            Self::Admin(config) => Passwords::check(&config.passwords),
        }
    }
}
