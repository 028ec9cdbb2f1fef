//! Programs, accounts and folders of this machine.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Uid, User};

/// Folders of server programs that an unprivileged user's `PATH` often lacks.
const PROGRAM_FOLDERS: &[&str] = &[
    "/usr/local/bin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib/postgresql/15/bin",
];

/// An account to run a server as.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

#[must_use]
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Raises the limit on open files for this process and its children: ten thousand sockets take twenty thousand
/// descriptors in the edge.
pub fn allow_many_files() -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = hard.min(65_536);
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).context("cannot raise the limit on open files")?;
    }
    Ok(())
}

/// Returns the account for servers that refuse to run as root, or `None` if this process is not root.
pub fn unprivileged() -> Result<Option<Account>> {
    if !is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(Account {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            }));
        }
    }
    bail!("PostgreSQL refuses to run as root, and this machine has no account `postgres` or `nobody`")
}

/// Returns the root of the checkout that this crate was built from.
#[must_use]
pub fn checkout() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Finds a program on the search path and where Debian puts servers.
pub fn program(name: &str) -> Result<PathBuf> {
    find_program(name).with_context(|| format!("{name} is not installed: run `make install`"))
}

/// Finds a program, if it is installed.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(PROGRAM_FOLDERS.iter().map(PathBuf::from));
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Creates a folder, and its parents, that only its owner can read.
pub fn private_folder(path: &Path) -> Result<()> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.with_context(|| format!("cannot create the folder {}", path.display()))
}

/// Creates a folder, and its parents, that other accounts can traverse but not list: under root PostgreSQL's
/// folder is inside and belongs to another account.
pub fn passable_folder(path: &Path) -> Result<()> {
    private_folder(path)?;
    let mode = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(path, mode)
        .with_context(|| format!("cannot change the permissions of {}", path.display()))
}

/// Creates a folder that belongs to the account, at a path that the account can reach.
///
/// Other accounts cannot reach a checkout below a home folder of mode 0700; the folder is then created under
/// `/var/tmp`, and `path` becomes a link to it.
pub fn folder_for(account: Account, path: &Path) -> Result<PathBuf> {
    let parent = path.parent().context("a folder without a parent")?;
    passable_folder(parent)?;
    if let Ok(place) = path.canonicalize() {
        return Ok(place);
    }
    let place = if reachable(parent) {
        path.to_path_buf()
    } else {
        elsewhere(path)?
    };
    DirBuilder::new()
        .mode(0o700)
        .create(&place)
        .with_context(|| format!("cannot create {}", place.display()))?;
    chown(&place, Some(account.uid), Some(account.gid))?;
    Ok(place)
}

/// Chooses a path under `/var/tmp` and leaves a link to it.
fn elsewhere(path: &Path) -> Result<PathBuf> {
    let place = PathBuf::from(format!("/var/tmp/airwave-{}", uuid::Uuid::new_v4().simple()));
    // An earlier link may have lost its target.
    let _ = std::fs::remove_file(path);
    std::os::unix::fs::symlink(&place, path)?;
    Ok(place)
}

fn reachable(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    folder.ancestors().all(|above| {
        above
            .metadata()
            .is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
    })
}

/// Removes a folder and the folders under `/var/tmp` that it links to (see [`folder_for`]).
pub fn forget(folder: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_symlink()
            && let Ok(place) = path.canonicalize()
            && place.starts_with("/var/tmp")
        {
            std::fs::remove_dir_all(place)?;
        }
    }
    std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Writes a file that only its owner can read.
pub fn private_file(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new();
    let file = file
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

/// Returns all files below a folder. A missing folder counts as empty.
#[must_use]
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
