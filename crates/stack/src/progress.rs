//! Lines that say what is being done and how long it has taken so far.

use std::time::Instant;

/// Where progress goes: the terminal, or nowhere.
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

    /// Says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            since: Instant::now(),
            printing: false,
        }
    }

    /// Says what is happening.
    pub fn step(&self, text: impl AsRef<str>) {
        if self.printing {
            eprintln!("[{:6.1} s] {}", self.since.elapsed().as_secs_f32(), text.as_ref());
        }
    }
}
