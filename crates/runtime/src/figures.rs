//! Gauges of things that come and go.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Gauges with a line for each of some things, such as every live stream. A gauge is replaced as a whole, so
/// what is gone leaves no line behind; the macros of crate `metrics` keep every line for ever. How many
/// things there are is the caller's to bound. Clones share the lines.
#[derive(Debug, Clone, Default)]
pub struct Figures(Arc<Mutex<BTreeMap<&'static str, Gauge>>>);

#[derive(Debug)]
struct Gauge {
    label: &'static str,
    lines: Vec<(i64, u64)>,
}

impl Figures {
    /// Replaces a gauge: the ids that the label has, and the value of each.
    pub fn replace(&self, name: &'static str, label: &'static str, lines: Vec<(i64, u64)>) {
        self.gauges().insert(name, Gauge { label, lines });
    }

    /// Takes all gauges away, when another process measures from now on.
    pub fn clear(&self) {
        self.gauges().clear();
    }

    /// All lines in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for (name, Gauge { label, lines }) in &*self.gauges() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# TYPE {name} gauge");
            for (id, value) in lines {
                let _ = writeln!(text, "{name}{{{label}=\"{id}\"}} {value}");
            }
        }
        text
    }

    /// Nobody panics half-way through a change.
    fn gauges(&self) -> MutexGuard<'_, BTreeMap<&'static str, Gauge>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_leaves_no_line() {
        let figures = Figures::default();
        figures.replace("stream_viewers", "stream_id", vec![(7, 2), (8, 0)]);
        figures.replace("stream_viewers", "stream_id", vec![(8, 5)]);
        let text = "# TYPE stream_viewers gauge\nstream_viewers{stream_id=\"8\"} 5\n";
        assert_eq!(figures.render(), text);
        figures.clone().clear();
        assert_eq!(figures.render(), "");
    }
}
