//! The files of a media node: recordings that nginx writes, and our unfinished results beside them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::sys::statvfs::statvfs;
use tokio::fs;

use crate::domain::RecordingName;

/// The two directories of a node.
#[derive(Debug, Clone)]
pub struct Files {
    recordings: PathBuf,
    work: PathBuf,
}

/// A file as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Bytes.
    pub size: u64,
    /// Since it was last written to.
    pub quiet: Duration,
}

impl Files {
    /// The files in a recordings directory; unfinished results go to `.work` in it unless told otherwise.
    #[must_use]
    pub fn new(recordings: PathBuf, work: Option<PathBuf>) -> Self {
        let work = work.unwrap_or_else(|| recordings.join(".work"));
        Self { recordings, work }
    }

    /// Whether recordings can be read and results written.
    ///
    /// # Errors
    /// What is wrong.
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

    /// The recordings on the disk; whatever else lies there is nobody's business.
    ///
    /// # Errors
    /// The directory cannot be read.
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

    /// Looks at a recording; none when it is not there.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub async fn look(&self, file: &RecordingName) -> io::Result<Option<Look>> {
        let metadata = match fs::metadata(self.path(file)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        // A time in the future is the clock's fault, and counts as now.
        let quiet = SystemTime::now()
            .duration_since(metadata.modified()?)
            .unwrap_or_default();
        Ok(Some(Look {
            size: metadata.len(),
            quiet,
        }))
    }

    /// Removes a recording; one that is gone already is fine.
    ///
    /// # Errors
    /// It cannot be removed.
    pub async fn remove(&self, file: &RecordingName) -> io::Result<()> {
        match fs::remove_file(self.path(file)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Bytes that are free where results are written.
    ///
    /// # Errors
    /// It cannot be told.
    pub async fn free(&self) -> io::Result<u64> {
        let work = self.work.clone();
        // A disk that hangs must not hang us.
        let disk = tokio::task::spawn_blocking(move || statvfs(&work)).await;
        let disk = disk.map_err(io::Error::other)?.map_err(io::Error::from)?;
        Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
    }

    /// Makes the directory of one attempt; it goes when the value is dropped.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn workplace(&self, recording: i64, attempt: i32) -> io::Result<Workplace> {
        let path = self.work.join(format!("{recording}-{attempt}"));
        fs::create_dir_all(&path).await?;
        Ok(Workplace(path))
    }

    /// The attempts that have directories: those at work, and those that died.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub async fn workplaces(&self) -> io::Result<Vec<(i64, i32)>> {
        let mut entries = fs::read_dir(&self.work).await?;
        let mut attempts = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            let parts = name.to_str().and_then(|name| name.split_once('-'));
            attempts.extend(parts.and_then(|(id, attempt)| Some((id.parse().ok()?, attempt.parse().ok()?))));
        }
        Ok(attempts)
    }

    /// Removes what an attempt that died left.
    ///
    /// # Errors
    /// It cannot be removed.
    pub async fn clear(&self, (recording, attempt): (i64, i32)) -> io::Result<()> {
        fs::remove_dir_all(self.work.join(format!("{recording}-{attempt}"))).await
    }
}

/// The directory of one attempt.
#[derive(Debug)]
pub struct Workplace(PathBuf);

impl Workplace {
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

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
