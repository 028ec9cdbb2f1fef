//! nginx with a configuration from a template in `deploy/nginx`, which containers use too.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::child::{Child, Program};
use crate::{place, template, wait};

/// Writes the configuration into the folder, starts nginx there and waits until it accepts connections.
///
/// Under root its workers stay root too: the module creates folders that only their owner may read, and the
/// services that read and remove recordings run as root here. In production nginx runs as an unprivileged
/// user, and so do the services on its machine.
pub(crate) async fn start(
    name: &str,
    folder: &Path,
    text: &str,
    values: &[(&str, String)],
    listens: &str,
) -> Result<Child> {
    place::private_folder(&folder.join("tmp"))?;
    let config = folder.join("nginx.conf");
    place::private_file(&config, &template::render(text, values)?)?;
    let program = Program::new(name, place::program("nginx")?, folder.join("nginx.log"))
        .arg("-p")
        .arg(folder)
        .arg("-e")
        .arg(folder.join("error.log"))
        .arg("-c")
        .arg(config)
        .args(if place::is_root() {
            &["-g", "user root;"][..]
        } else {
            &[][..]
        })
        .folder(folder);
    let mut child = program.start()?;
    wait::ready(&mut child, Duration::from_secs(20), async || {
        wait::accepts(listens).await
    })
    .await?;
    Ok(child)
}

pub(crate) fn path(path: &Path) -> String {
    path.display().to_string()
}
