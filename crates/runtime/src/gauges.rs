//! Gauges with a label whose values come and go.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Gauges with one line for each id of a label, such as every live stream. Replacing a gauge drops the lines
/// of ids that no longer exist; the macros of crate `metrics` would keep them until the process ends. The
/// caller bounds the number of ids. Clones share the gauges.
#[derive(Debug, Clone, Default)]
pub struct LabelledGauges(Arc<Mutex<BTreeMap<&'static str, Gauge>>>);

#[derive(Debug)]
struct Gauge {
    label: &'static str,
    lines: Vec<(i64, u64)>,
}

impl LabelledGauges {
    /// Replaces all lines of a gauge: each id of the label, and its value.
    pub fn replace(&self, name: &'static str, label: &'static str, lines: Vec<(i64, u64)>) {
        self.gauges().insert(name, Gauge { label, lines });
    }

    /// Removes all gauges, because another replica reports them from now on.
    pub fn clear(&self) {
        self.gauges().clear();
    }

    /// Renders all lines in Prometheus' text format.
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

    fn gauges(&self) -> MutexGuard<'_, BTreeMap<&'static str, Gauge>> {
        // No holder can panic, so a poisoned lock still holds consistent data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_a_gauge_drops_old_ids() {
        let gauges = LabelledGauges::default();
        gauges.replace("stream_viewers", "stream_id", vec![(7, 2), (8, 0)]);
        gauges.replace("stream_viewers", "stream_id", vec![(8, 5)]);
        let text = "# TYPE stream_viewers gauge\nstream_viewers{stream_id=\"8\"} 5\n";
        assert_eq!(gauges.render(), text);
        gauges.clone().clear();
        assert_eq!(gauges.render(), "");
    }
}
