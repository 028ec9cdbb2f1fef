//! The configuration of the servers, in sections that a service flattens into its own configuration.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use secrecy::SecretString;

/// The PostgreSQL section.
#[derive(clap::Args, Clone, Debug)]
pub struct DatabaseConfig {
    /// URL of the service's PostgreSQL database.
    #[arg(long, env = "AIRWAVE_DATABASE_URL", hide_env_values = true, value_parser = SecretUrl::POSTGRES)]
    pub database_url: SecretString,

    /// Maximum number of connections of this process. The sum over all processes must stay below the server's
    /// `max_connections`.
    #[arg(
        long,
        env = "AIRWAVE_DATABASE_POOL_SIZE",
        default_value_t = 8,
        value_parser = clap::value_parser!(u16).range(1..=1000)
    )]
    pub database_pool_size: u16,
}

impl DatabaseConfig {
    /// Creates a section with the default pool size.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            database_url: SecretString::from(url.into()),
            database_pool_size: 8,
        }
    }
}

/// The Redis section.
#[derive(clap::Args, Clone, Debug)]
pub struct RedisConfig {
    /// URL of the Redis server.
    #[arg(long, env = "AIRWAVE_REDIS_URL", hide_env_values = true, value_parser = SecretUrl::REDIS)]
    pub redis_url: SecretString,

    /// Prefix of every key of this deployment.
    #[arg(long, env = "AIRWAVE_REDIS_PREFIX", default_value = "airwave")]
    pub redis_prefix: String,
}

impl RedisConfig {
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            redis_url: SecretString::from(url.into()),
            redis_prefix: prefix.into(),
        }
    }
}

/// The MongoDB section.
#[derive(clap::Args, Clone, Debug)]
pub struct MongoConfig {
    /// URL of the MongoDB server.
    #[arg(long, env = "AIRWAVE_MONGODB_URL", hide_env_values = true, value_parser = SecretUrl::MONGODB)]
    pub mongodb_url: SecretString,

    /// Name of the MongoDB database.
    #[arg(long, env = "AIRWAVE_MONGODB_DATABASE", default_value = "chat")]
    pub mongodb_database: String,

    /// Maximum number of connections of this process to each member of the replica set.
    #[arg(
        long,
        env = "AIRWAVE_MONGODB_POOL_SIZE",
        default_value_t = 16,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub mongodb_pool_size: u32,
}

impl MongoConfig {
    /// Creates a section with the default pool size.
    pub fn new(url: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            mongodb_url: SecretString::from(url.into()),
            mongodb_database: database.into(),
            mongodb_pool_size: 16,
        }
    }
}

/// Parses a URL that may contain a password. Unlike clap's own parsers, its error messages do not quote the
/// value.
#[derive(Clone, Copy, Debug)]
pub struct SecretUrl(&'static [&'static str]);

impl SecretUrl {
    pub const POSTGRES: Self = Self::new(&["postgres", "postgresql"]);
    pub const REDIS: Self = Self::new(&["redis", "redis+unix", "unix"]);
    pub const MONGODB: Self = Self::new(&["mongodb", "mongodb+srv"]);

    /// Accepts URLs with these schemes.
    pub const fn new(schemes: &'static [&'static str]) -> Self {
        Self(schemes)
    }

    fn accepts(self, text: &str) -> bool {
        text.split_once("://")
            .is_some_and(|(scheme, rest)| self.0.contains(&scheme) && !rest.is_empty())
    }
}

impl TypedValueParser for SecretUrl {
    type Value = SecretString;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> std::result::Result<SecretString, clap::Error> {
        match value.to_str() {
            Some(text) if self.accepts(text) => Ok(SecretString::from(text)),
            _ => {
                let name = arg
                    .and_then(clap::Arg::get_env)
                    .map(OsStr::to_string_lossy)
                    .unwrap_or_default();
                let schemes = self.0.join(":// or ");
                let message = format!("{name} must be a URL that begins with {schemes}://\n");
                Err(clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(cmd))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        database: DatabaseConfig,
    }

    #[test]
    fn url_is_parsed_but_not_printed() {
        let cli = Cli::try_parse_from(["x", "--database-url", "postgres://u:hunter2@db/auth"]).unwrap();
        assert_eq!(
            cli.database.database_url.expose_secret(),
            "postgres://u:hunter2@db/auth"
        );
        assert!(!format!("{:?}", cli.database).contains("hunter2"));
    }

    #[test]
    fn error_does_not_quote_the_url() {
        let message = match Cli::try_parse_from(["x", "--database-url", "mysql://u:hunter2@db/auth"]) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("accepted"),
        };
        assert!(
            message.contains("AIRWAVE_DATABASE_URL must be a URL"),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn pool_needs_a_connection() {
        assert!(
            Cli::try_parse_from([
                "x",
                "--database-url",
                "postgres://db/a",
                "--database-pool-size",
                "0"
            ])
            .is_err()
        );
    }
}
