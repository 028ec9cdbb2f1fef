//! The auth service's binary.

use std::process::ExitCode;

use auth::cli::Cli;
use domain::Clock;
use runtime::Process;

fn main() -> ExitCode {
    runtime::boot("auth", run)
}

#[expect(clippy::print_stdout, reason = "the answer to a person at the command line")]
async fn run(cli: Cli, process: Process) -> anyhow::Result<()> {
    match cli {
        Cli::Serve(config) => auth::run(auth::build(config, Clock::system(), process.shutdown).await?).await,
        Cli::Migrate(config) => Ok(storage::migrate(&config.database, &auth::MIGRATIONS).await?),
        Cli::Admin(config) => {
            println!("{}", auth::admin::admin(config).await?);
            Ok(())
        }
    }
}
