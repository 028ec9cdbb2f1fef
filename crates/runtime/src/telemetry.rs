//! Logs and traces of a process.

mod format;

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{Environment, TelemetryConfig};
use format::Json;

/// Deadline of one export, and of the flush at the end.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// Crates whose spans describe connections instead of work. Some of them carry the export itself, which would
/// trace itself forever.
const NOT_TRACED: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "opentelemetry",
    "actix",
    "reqwest",
    "rustls",
    "mio",
];

/// The finest level of spans. Both filters announce a maximum level: without it, every line that a library
/// logs through the `log` crate is formatted before it is dropped, which took 40 % of the gateway's time
/// (tungstenite's lines about frames).
const MAX_SPAN_LEVEL: Level = Level::INFO;

/// Running logs and traces.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts both for the rest of the process. Must be called inside a tokio runtime if traces are exported.
    pub(crate) fn start(service: &'static str, config: &TelemetryConfig) -> anyhow::Result<Self> {
        // Needed even without an exporter: an incoming context must reach the next service.
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let provider = provider(service, config)?;
        let traces = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("airwave"))
            .with_threads(false)
            .with_filter(traced());
        tracing_subscriber::registry()
            .with(traces)
            .with(logs(service, config))
            .try_init()
            .context("logs are already started")?;
        std::panic::set_hook(Box::new(log_panic));
        Ok(Self { provider })
    }

    /// Exports the remaining spans.
    pub(crate) fn stop(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(EXPORT_TIMEOUT) {
            tracing::warn!(%error, "some spans were not exported");
        }
    }
}

fn provider(service: &'static str, config: &TelemetryConfig) -> anyhow::Result<SdkTracerProvider> {
    let resource = Resource::builder()
        .with_service_name(format!("airwave-{service}"))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        // Nothing is recorded, but every trace has an id for the logs.
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        return Ok(builder.with_sampler(sampler).build());
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.to_string())
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .context("cannot start the trace exporter")?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_sample_ratio)));
    Ok(builder
        .with_sampler(sampler)
        .with_batch_exporter(exporter)
        .build())
}

fn logs(service: &'static str, config: &TelemetryConfig) -> Box<dyn Layer<Layered> + Send + Sync> {
    let filter = logged(config.log.clone());
    if config.env == Environment::Development && std::io::stdout().is_terminal() {
        return fmt::layer()
            .compact()
            .with_target(true)
            .with_filter(filter)
            .boxed();
    }
    fmt::layer()
        .event_format(Json::new(service))
        .fmt_fields(fmt::format::JsonFields::new())
        .with_filter(filter)
        .boxed()
}

/// The registry with the trace layer, on which the log layer sits.
type Layered = tracing_subscriber::layer::Layered<
    tracing_subscriber::filter::Filtered<
        tracing_opentelemetry::OpenTelemetryLayer<Registry, opentelemetry_sdk::trace::SdkTracer>,
        FilterFn,
        Registry,
    >,
    Registry,
>;

/// Filters events by the setting. Spans pass from `info` on whatever the setting says, because log lines take
/// their request ids from them.
fn logged(lines: Targets) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let max_level = Filter::<Registry>::max_level_hint(&lines).unwrap_or(LevelFilter::TRACE);
    let filter = filter_fn(move |metadata: &Metadata<'_>| {
        let is_span = metadata.is_span() && *metadata.level() <= MAX_SPAN_LEVEL;
        is_span || lines.would_enable(metadata.target(), metadata.level())
    });
    filter.with_max_level_hint(max_level.max(MAX_SPAN_LEVEL.into()))
}

fn traced() -> FilterFn {
    fn is_traced(metadata: &Metadata<'_>) -> bool {
        let root = metadata.target().split("::").next().unwrap_or_default();
        let foreign = NOT_TRACED
            .iter()
            .any(|name| root == *name || root.starts_with(&format!("{name}_")));
        *metadata.level() <= MAX_SPAN_LEVEL && !foreign
    }
    filter_fn(is_traced as fn(&Metadata<'_>) -> bool).with_max_level_hint(MAX_SPAN_LEVEL)
}

/// Logs a panic like any other error.
fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("(no message)");
    let location = info.location().map(ToString::to_string);
    tracing::error!(panic = message, location, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(filter: &impl Filter<Registry>) -> Option<LevelFilter> {
        filter.max_level_hint()
    }

    #[test]
    fn filters_announce_their_maximum_level() {
        assert_eq!(hint(&traced()), Some(LevelFilter::INFO));
        for (setting, finest) in [
            ("warn", LevelFilter::INFO),
            ("info", LevelFilter::INFO),
            ("info,gateway=debug", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
        ] {
            assert_eq!(hint(&logged(setting.parse().unwrap())), Some(finest), "{setting}");
        }
    }
}
