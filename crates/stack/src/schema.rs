//! Compares `services/*/src/schema.rs` with what diesel prints for the migrated databases.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use crate::service::Service;
use crate::services::ServiceFolders;
use crate::{place, platform, shared};

/// Compares each service's schema with its migrations, or writes it.
pub async fn check(write: bool) -> Result<()> {
    let stack = shared::shared().await?;
    let program = shared::program()?;
    let binaries = program.parent().context("a program without a folder")?;
    let folders = ServiceFolders {
        binaries: binaries.to_path_buf(),
        logs: stack.folder.join("tests"),
    };
    let mut differing = Vec::new();
    for service in Service::WITH_DATABASE {
        let migrate = async |url: String| platform::migrate(service, &url, &folders).await;
        let url = stack.database(service.name(), migrate).await?;
        let folder = place::checkout().join("services").join(service.name());
        let printed = print(&folder, &url).await?;
        let file = folder.join("src/schema.rs");
        if write {
            std::fs::write(&file, printed)?;
        } else if std::fs::read_to_string(&file)? != printed {
            differing.push(format!("services/{}/src/schema.rs", service.name()));
        }
    }
    if !differing.is_empty() {
        bail!("out of date (run `make schema`): {}", differing.join(", "));
    }
    Ok(())
}

async fn print(folder: &Path, url: &str) -> Result<String> {
    let diesel = place::checkout().join(".cache/tools/bin/diesel");
    let mut command = Command::new(diesel);
    command
        .args(["print-schema", "--database-url", url])
        .current_dir(folder);
    if folder.join("diesel.toml").exists() {
        command.args(["--config-file", "diesel.toml"]);
    }
    let output = command
        .output()
        .await
        .context("cannot run diesel: `make check` installs it")?;
    ensure!(
        output.status.success(),
        "diesel failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
