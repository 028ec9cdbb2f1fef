//! The configuration of the bus, as a section that a service flattens into its own.

use secrecy::SecretString;
use storage::SecretUrl;

/// How to reach RabbitMQ.
#[derive(clap::Args, Clone, Debug)]
pub struct BusConfig {
    /// URL of RabbitMQ with the virtual host as its path, such as `amqp://user:password@host:5672/airwave`.
    #[arg(long, env = "AIRWAVE_AMQP_URL", hide_env_values = true, value_parser = SecretUrl::new(&["amqp", "amqps"]))]
    pub amqp_url: SecretString,
}

impl BusConfig {
    /// Builds the section for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            amqp_url: SecretString::from(url.into()),
        }
    }
}
