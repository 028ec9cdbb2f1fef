//! Progress lines with the time since the start.

use std::time::Instant;

/// Prints progress to the terminal, or not at all.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    since: Instant,
    printing: bool,
}

impl Progress {
    /// Prints a line for each step to standard error.
    #[must_use]
    pub fn printing() -> Self {
        Self {
            since: Instant::now(),
            printing: true,
        }
    }

    /// Prints nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            since: Instant::now(),
            printing: false,
        }
    }

    pub fn step(&self, text: impl AsRef<str>) {
        if self.printing {
            eprintln!("[{:6.1} s] {}", self.since.elapsed().as_secs_f32(), text.as_ref());
        }
    }
}
