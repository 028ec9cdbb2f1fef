//! The notification service's binary.

use std::process::ExitCode;

use notification::{Config, MIGRATIONS};
use runtime::Cli;

fn main() -> ExitCode {
    let about = "Fan-outs to followers, and each user's notifications";
    runtime::boot(
        "notification",
        about,
        async |cli: Cli<Config>, clock, shutdown| match cli {
            Cli::Serve(config) => {
                notification::run(notification::build(*config, clock).await?, shutdown).await
            }
            Cli::Migrate(config) => config.migrate(MIGRATIONS, &shutdown).await,
        },
    )
}
