//! The files of a media node: the recordings of nginx and the directories of attempts.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use nix::sys::statvfs::statvfs;
use tokio::fs;

use primitives::RecordingName;

/// The two directories of a node.
#[derive(Debug, Clone)]
pub struct Files {
    recordings: PathBuf,
    work: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStatus {
    /// Bytes.
    pub size: u64,
    /// The time since the last write.
    pub unchanged_for: Duration,
}

impl Files {
    /// `work` is the directory for unfinished results. It defaults to `.work` in the recordings directory.
    #[must_use]
    pub fn new(recordings: PathBuf, work: Option<PathBuf>) -> Self {
        let work = work.unwrap_or_else(|| recordings.join(".work"));
        Self { recordings, work }
    }

    /// Checks that recordings can be read and results written.
    pub async fn check(&self) -> io::Result<()> {
        fs::create_dir_all(&self.work).await?;
        let _readable = fs::read_dir(&self.recordings).await?;
        Ok(())
    }

    /// Where a recording is.
    #[must_use]
    pub fn path(&self, file: &RecordingName) -> PathBuf {
        self.recordings.join(file.as_str())
    }

    /// Lists the recordings on the disk, ignoring other files.
    pub async fn list(&self) -> io::Result<Vec<RecordingName>> {
        let mut entries = fs::read_dir(&self.recordings).await?;
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let is_file = entry.file_type().await.is_ok_and(|kind| kind.is_file());
            let name = entry.file_name().to_str().and_then(RecordingName::parse);
            names.extend(name.filter(|_| is_file));
        }
        Ok(names)
    }

    /// Returns the size and age of a recording, or `None` if it does not exist.
    pub async fn status(&self, file: &RecordingName, now: DateTime<Utc>) -> io::Result<Option<FileStatus>> {
        let metadata = match fs::metadata(self.path(file)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        // The clocks of the file system and this process may differ, so a time in the future counts as now.
        let unchanged_for = (now - DateTime::<Utc>::from(metadata.modified()?))
            .to_std()
            .unwrap_or_default();
        Ok(Some(FileStatus {
            size: metadata.len(),
            unchanged_for,
        }))
    }

    /// Removes a recording. Succeeds if it does not exist.
    pub async fn remove(&self, file: &RecordingName) -> io::Result<()> {
        match fs::remove_file(self.path(file)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Returns the free bytes on the disk for results.
    pub async fn free_space(&self) -> io::Result<u64> {
        let work = self.work.clone();
        // A hanging disk must not block the runtime.
        let disk = tokio::task::spawn_blocking(move || statvfs(&work)).await;
        let disk = disk.map_err(io::Error::other)?.map_err(io::Error::from)?;
        Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
    }

    /// Creates the directory of an attempt.
    pub async fn attempt_dir(&self, recording: i64, attempt: i32) -> io::Result<AttemptDir> {
        let path = self.work.join(format!("{recording}-{attempt}"));
        fs::create_dir_all(&path).await?;
        Ok(AttemptDir(path))
    }

    /// Lists the attempts that have a directory, as pairs of job id and attempt number.
    pub async fn attempt_dirs(&self) -> io::Result<Vec<(i64, i32)>> {
        let mut entries = fs::read_dir(&self.work).await?;
        let mut attempts = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            let parts = name.to_str().and_then(|name| name.split_once('-'));
            attempts.extend(parts.and_then(|(id, attempt)| Some((id.parse().ok()?, attempt.parse().ok()?))));
        }
        Ok(attempts)
    }

    /// Removes the directory of an attempt.
    pub async fn clear(&self, (recording, attempt): (i64, i32)) -> io::Result<()> {
        fs::remove_dir_all(self.work.join(format!("{recording}-{attempt}"))).await
    }
}

/// The directory of one attempt. Removed on drop.
#[derive(Debug)]
pub struct AttemptDir(PathBuf);

impl AttemptDir {
    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for AttemptDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
