//! Prometheus metrics. Code counts with the macros of crate `metrics`; here they are kept and printed.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of histograms of durations, in seconds: from a cache hit to the longest deadline.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The recorder of the process, installed at the first call. Durations are histograms named `…_seconds`.
///
/// When another recorder was installed before, what this one prints stays empty.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder was installed before");
        }
        handle
    })
}

fn builder() -> PrometheusBuilder {
    // The only failure is an empty list of bounds.
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .unwrap_or_default()
}

/// All metrics in Prometheus' text format, those of the process included.
pub(crate) fn render() -> String {
    for (name, value) in process() {
        metrics::gauge!(name).set(value);
    }
    recorder().render()
}

/// Resident memory and open files, under the names that Prometheus' own clients use; nothing where there is
/// no /proc.
fn process() -> impl Iterator<Item = (&'static str, f64)> {
    let resident = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(("process_resident_memory_bytes", f64::from(kib) * 1024.0))
        });
    let files = std::fs::read_dir("/proc/self/fd")
        .ok()
        .and_then(|fds| u32::try_from(fds.count()).ok())
        .map(|count| ("process_open_fds", f64::from(count)));
    [resident, files].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_counted_is_printed() {
        super::recorder();
        metrics::counter!("test_total", "kind" => "a").increment(2);
        metrics::histogram!("test_seconds").record(0.003);
        let text = super::render();
        assert!(text.contains("test_total{kind=\"a\"} 2"), "{text}");
        assert!(text.contains("test_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
    }
}
