//! The auth service's binary.

use std::process::ExitCode;

use anyhow::Context;
use auth::cli::Cli;
use primitives::Clock;
use runtime::Process;

fn main() -> ExitCode {
    runtime::boot("auth", run)
}

#[expect(clippy::print_stdout, reason = "the answer to a person at the command line")]
async fn run(cli: Cli, process: Process) -> anyhow::Result<()> {
    let Process { shutdown } = process;
    match cli {
        Cli::Serve(config) => auth::run(auth::build(*config, Clock::system(), shutdown).await?).await,
        Cli::Migrate(config) => {
            let migrating = storage::migrate(&config.database, &auth::MIGRATIONS);
            Ok(shutdown
                .run_until_stopped(migrating)
                .await
                .context("interrupted")??)
        }
        Cli::Admin(config) => {
            let told = shutdown
                .run_until_stopped(auth::admin::admin(config))
                .await
                .context("interrupted")??;
            println!("{told}");
            Ok(())
        }
    }
}
