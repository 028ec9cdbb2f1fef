//! Free disk space for recordings, which is checked only if their folder is on this machine.

use std::path::PathBuf;

use nix::sys::statvfs::statvfs;

#[derive(Debug, Clone)]
pub struct DiskSpace {
    folder: Option<PathBuf>,
    min_free_bytes: u64,
}

impl DiskSpace {
    /// Without a folder, nothing is checked.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, min_free_bytes: u64) -> Self {
        Self {
            folder,
            min_free_bytes,
        }
    }

    /// Returns whether enough space is free, or whether that is unknown: a recording that fails does not
    /// affect its broadcast.
    pub async fn is_sufficient(&self) -> bool {
        let Some(folder) = self.folder.clone() else {
            return true;
        };
        // A disk that hangs must not block the runtime.
        match tokio::task::spawn_blocking(move || statvfs(&folder)).await {
            Ok(Ok(disk)) => {
                disk.blocks_available().saturating_mul(disk.fragment_size()) >= self.min_free_bytes
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "failed to read the free space for recordings");
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
    async fn free_space_is_compared_with_the_minimum() {
        let here = Some(PathBuf::from("/"));
        assert!(DiskSpace::new(None, u64::MAX).is_sufficient().await);
        assert!(DiskSpace::new(here.clone(), 1).is_sufficient().await);
        assert!(!DiskSpace::new(here, u64::MAX).is_sufficient().await);
    }
}
