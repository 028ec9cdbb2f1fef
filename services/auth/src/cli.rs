//! The command line.

use std::time::Duration;

use primitives::Role;
use runtime::{Command, ConfigError, MigrateConfig, ServiceConfig, TelemetryConfig};
use storage::DatabaseConfig;

use crate::config::{Config, PasswordConfig};
use crate::crypto::Passwords;

#[derive(Debug, clap::Parser)]
pub enum Cli {
    /// Migrate the database and serve
    Serve(Box<Config>),
    /// Migrate the database and exit
    Migrate(Box<MigrateConfig>),
    /// Change an account from the command line
    Admin(Box<AdminConfig>),
}

#[derive(Debug, clap::Args)]
pub struct AdminConfig {
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    #[command(flatten)]
    pub passwords: PasswordConfig,
    #[command(subcommand)]
    pub action: AdminAction,
}

#[derive(Debug, clap::Subcommand)]
pub enum AdminAction {
    /// Give a user a role, effective after the next sign-in or token refresh
    Grant {
        /// The username
        name: String,
        /// user, moderator or admin
        #[arg(long, default_value = "admin")]
        role: Role,
    },
    /// Reset a user's password and end all sessions; prints a random password unless --stdin is set
    ResetPassword {
        /// The username
        name: String,
        /// Read the new password from the first line of standard input
        #[arg(long)]
        stdin: bool,
    },
}

impl Command for Cli {
    fn telemetry(&self) -> &TelemetryConfig {
        match self {
            Self::Serve(config) => &config.process().telemetry,
            Self::Migrate(config) => &config.telemetry,
            Self::Admin(config) => &config.telemetry,
        }
    }

    fn stop_grace(&self) -> Duration {
        match self {
            Self::Serve(config) => config.process().stop_grace(),
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
