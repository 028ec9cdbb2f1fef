//! Prometheus metrics. Code counts with the macros of crate `metrics`; this module keeps and renders the
//! values.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

/// Upper bounds of duration histograms, in seconds: from a cache hit to the longest deadline.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Returns the recorder of the process, and installs it at the first call. Metrics named `…_seconds` are
/// histograms. If the process already has another recorder, this one stays empty.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed already");
        }
        handle
    })
}

fn builder() -> PrometheusBuilder {
    // The only error is an empty list of bounds.
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .unwrap_or_default()
}

/// Renders all metrics in Prometheus' text format, with memory, processor time and open files of the process.
pub(crate) fn render() -> String {
    Collector::default().collect();
    recorder().render()
}

#[cfg(test)]
mod tests {
    #[test]
    fn counted_values_are_rendered() {
        super::recorder();
        metrics::counter!("test_total", "kind" => "a").increment(2);
        metrics::histogram!("test_seconds").record(0.003);
        let text = super::render();
        assert!(text.contains("test_total{kind=\"a\"} 2"), "{text}");
        assert!(text.contains("test_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
        assert!(text.contains("process_open_fds"), "{text}");
    }
}
