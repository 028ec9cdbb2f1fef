//! The chat service's binary.

use std::process::ExitCode;

use anyhow::Context;
use chat::Config;
use runtime::Cli;
use storage::{Mongo, MongoConfig};

fn main() -> ExitCode {
    let about = "Chat rooms, messages and moderation";
    runtime::boot(
        "chat",
        about,
        async |cli: Cli<Config, MongoConfig>, clock, shutdown| match cli {
            Cli::Serve(config) => chat::run(chat::build(*config, clock).await?, shutdown).await,
            Cli::Migrate(config) => {
                let migrating = async {
                    let mongo = Mongo::connect(&config.database, "chat").await?;
                    anyhow::Ok(chat::store::indexes::indexes_create(&mongo).await?)
                };
                shutdown
                    .run_until_stopped(migrating)
                    .await
                    .context("interrupted")?
            }
        },
    )
}
