//! nginx with a configuration filled in from a template of `deploy/nginx`, whose containers use the same.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::child::{Child, Program};
use crate::{place, template, wait};

/// Writes the configuration into the folder, starts nginx there and waits until it accepts connections.
///
/// Started by root it stays root in its workers, too: the recordings and segments that it writes are then the
/// same user's as the services that read and remove them, as the module makes folders that nobody else may
/// read. On a machine of its own nginx runs as an unprivileged user, together with the worker beside it.
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

/// Returns a path as the value of a placeholder.
pub(crate) fn path(path: &Path) -> String {
    path.display().to_string()
}
