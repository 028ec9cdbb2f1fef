//! Room for recordings. Looked at only where the folder is on this machine: a service far from its media
//! nodes has no view of their disks.

use std::path::PathBuf;

use nix::sys::statvfs::statvfs;

/// The folder of the recordings and how much must be free there.
#[derive(Debug, Clone)]
pub struct Space {
    folder: Option<PathBuf>,
    least: u64,
}

impl Space {
    /// Looks at a folder, or at nothing.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, least: u64) -> Self {
        Self { folder, least }
    }

    /// Whether there is room. A folder that cannot be looked at has some: recording fails without harm to the
    /// broadcast.
    pub async fn is_left(&self) -> bool {
        let Some(folder) = self.folder.clone() else {
            return true;
        };
        // A disk that hangs must not hang us.
        match tokio::task::spawn_blocking(move || statvfs(&folder)).await {
            Ok(Ok(disk)) => disk.blocks_available().saturating_mul(disk.fragment_size()) >= self.least,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the folder of the recordings cannot be looked at");
                true
            }
            Err(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_has_room_or_not() {
        let here = Some(PathBuf::from("/"));
        assert!(Space::new(None, u64::MAX).is_left().await);
        assert!(Space::new(here.clone(), 1).is_left().await);
        assert!(!Space::new(here, u64::MAX).is_left().await);
    }
}
