//! The auth service's binary.

use std::process::ExitCode;

use anyhow::Context;
use auth::MIGRATIONS;
use auth::cli::Cli;
use primitives::Clock;
use runtime::Shutdown;

fn main() -> ExitCode {
    runtime::boot("auth", "Accounts, sessions, tokens and follows", run)
}

#[expect(clippy::print_stdout, reason = "the result of a command line tool")]
async fn run(cli: Cli, clock: Clock, shutdown: Shutdown) -> anyhow::Result<()> {
    match cli {
        Cli::Serve(config) => auth::run(auth::build(*config, clock).await?, shutdown).await,
        Cli::Migrate(config) => config.migrate(MIGRATIONS, &shutdown).await,
        Cli::Admin(config) => {
            let running = auth::admin::admin(*config, clock);
            println!(
                "{}",
                shutdown
                    .run_until_stopped(running)
                    .await
                    .context("interrupted")??
            );
            Ok(())
        }
    }
}
