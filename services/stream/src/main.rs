//! The stream service's binary.

use std::process::ExitCode;

use runtime::Cli;
use stream::{Config, MIGRATIONS};

fn main() -> ExitCode {
    let about = "Streams, broadcasts, stream keys, the media nodes' hooks, and viewers";
    runtime::boot(
        "stream",
        about,
        async |cli: Cli<Config>, clock, shutdown| match cli {
            Cli::Serve(config) => stream::run(stream::build(*config, clock).await?, shutdown).await,
            Cli::Migrate(config) => config.migrate(MIGRATIONS, &shutdown).await,
        },
    )
}
