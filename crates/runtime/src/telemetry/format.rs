//! One flat JSON object per log line, so that `request_id` and `trace_id` can be searched with grep.

use std::fmt::{self, Write};

use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// OpenTelemetry's crates may log while they hold a span's data; reading the span would then deadlock.
const SPAN_OWNER: &str = "opentelemetry";

/// Writes `timestamp`, `level`, `service`, `target`, `message`, the fields of the event and of its spans, and
/// the ids of the trace.
pub(super) struct Json {
    service: &'static str,
}

impl Json {
    pub(super) fn new(service: &'static str) -> Self {
        Self { service }
    }
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "log lines show real time, also in tests"
    )]
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        line.insert("timestamp".into(), now.into());
        line.insert("level".into(), event.metadata().level().as_str().into());
        line.insert("service".into(), self.service.into());
        line.insert("target".into(), event.metadata().target().into());
        if !event.metadata().target().starts_with(SPAN_OWNER) {
            add_spans(&mut line, ctx);
        }
        event.record(&mut Fields(&mut line));
        writer.write_str(&Value::Object(line).to_string())?;
        writer.write_char('\n')
    }
}

/// Adds the fields of the spans around an event, inner spans last, and the ids of their trace.
fn add_spans<S, N>(line: &mut Map<String, Value>, ctx: &FmtContext<'_, S, N>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    for span in ctx.event_scope().into_iter().flat_map(Scope::from_root) {
        line.insert("span".into(), span.name().into());
        let extensions = span.extensions();
        let Some(fields) = extensions.get::<FormattedFields<N>>() else {
            continue;
        };
        if let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields) {
            line.extend(fields.into_iter().filter(|(name, _)| !name.starts_with("otel.")));
        }
    }
    if let Some(span) = ctx.lookup_current() {
        add_trace(line, &span.id());
    }
}

fn add_trace(line: &mut Map<String, Value>, span: &tracing::span::Id) {
    let context =
        tracing::dispatcher::get_default(|dispatch| tracing_opentelemetry::get_otel_context(span, dispatch));
    let Some(context) = context else { return };
    let span = context.span();
    let ids = span.span_context();
    if ids.is_valid() {
        line.insert("trace_id".into(), ids.trace_id().to_string().into());
        line.insert("span_id".into(), ids.span_id().to_string().into());
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.put(field, text.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
