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

/// How long an export may take, and the flush at the end.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// Crates whose spans tell about connections, not about our work; among them what carries the export itself,
/// which would trace itself for ever.
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

/// The finest spans. Both filters say how fine they are, or every line that a library writes through the
/// `log` crate is put together before it is thrown away: of the gateway's time, 40 % went into tungstenite's
/// lines about frames that nobody saw.
const MOST_SPANS: Level = Level::INFO;

/// Logs and traces while they run.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts both, for the rest of the process. Needs a tokio runtime around it when traces are exported.
    pub(crate) fn start(service: &'static str, config: &TelemetryConfig) -> anyhow::Result<Self> {
        // Also when nothing is exported here: a context that comes in must go on to the next service.
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
            .context("logs have been started before")?;
        std::panic::set_hook(Box::new(log_panic));
        Ok(Self { provider })
    }

    /// Sends what was traced and not sent yet.
    pub(crate) fn stop(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(EXPORT_TIMEOUT) {
            tracing::warn!(%error, "some traces were not sent");
        }
    }
}

fn provider(service: &'static str, config: &TelemetryConfig) -> anyhow::Result<SdkTracerProvider> {
    let resource = Resource::builder()
        .with_service_name(format!("airwave-{service}"))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        // Nothing is recorded, but every trace has its id, for the logs.
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        return Ok(builder.with_sampler(sampler).build());
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.to_string())
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .context("the trace exporter can not start")?;
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

/// The registry with the traces on it, which is what the logs lie on.
type Layered = tracing_subscriber::layer::Layered<
    tracing_subscriber::filter::Filtered<
        tracing_opentelemetry::OpenTelemetryLayer<Registry, opentelemetry_sdk::trace::SdkTracer>,
        FilterFn,
        Registry,
    >,
    Registry,
>;

/// Lines go by the setting. Spans pass from `info` on, whatever the setting: a line takes its request id from
/// them.
fn logged(lines: Targets) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let most_lines = Filter::<Registry>::max_level_hint(&lines).unwrap_or(LevelFilter::TRACE);
    let filter = filter_fn(move |metadata: &Metadata<'_>| {
        let span_of_ours = metadata.is_span() && *metadata.level() <= MOST_SPANS;
        span_of_ours || lines.would_enable(metadata.target(), metadata.level())
    });
    filter.with_max_level_hint(most_lines.max(MOST_SPANS.into()))
}

fn traced() -> FilterFn {
    fn is_traced(metadata: &Metadata<'_>) -> bool {
        let root = metadata.target().split("::").next().unwrap_or_default();
        let foreign = NOT_TRACED
            .iter()
            .any(|name| root == *name || root.starts_with(&format!("{name}_")));
        *metadata.level() <= MOST_SPANS && !foreign
    }
    filter_fn(is_traced as fn(&Metadata<'_>) -> bool).with_max_level_hint(MOST_SPANS)
}

/// Panics are log lines like all others.
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
    fn what_nobody_sees_is_not_even_written() {
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
