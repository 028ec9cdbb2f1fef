//! Trace contexts as W3C `traceparent` pairs, for any carrier: HTTP and gRPC headers, AMQP headers, table
//! rows.

use std::collections::HashMap;

use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::{Context, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Returns the current span's context; empty if nothing is traced.
#[must_use]
pub fn current_context() -> HashMap<String, String> {
    let mut pairs = HashMap::new();
    inject(&mut pairs);
    pairs
}

/// Writes the current span's context into a carrier.
pub fn inject(carrier: &mut dyn Injector) {
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, carrier));
}

/// Makes the span a child of the context in a carrier.
pub fn continue_from(span: &Span, carrier: &dyn Extractor) {
    let context = extract(carrier);
    // Fails only for a disabled span, which has no place in a trace anyway.
    let _ = span.set_parent(context);
}

fn extract(carrier: &dyn Extractor) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(carrier))
}
