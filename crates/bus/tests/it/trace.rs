//! Traces reach from a transaction to every consumer.

use std::sync::Once;

use bus::{Consumer, HandlerError, Listener, ListenerEvent, Realtime, RealtimeSubscriber, SubscriberEvent};
use opentelemetry::trace::{TraceContextExt, TraceId, TracerProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{Instrument, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::world::{TIMEOUT, World, quick, stream_started};

fn trace_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let filter = tracing_subscriber::filter::LevelFilter::INFO;
        tracing_subscriber::registry().with(filter).with(layer).init();
    });
}

fn trace_of(span: &Span) -> TraceId {
    span.context().span().span_context().trace_id()
}

#[tokio::test]
async fn event_joins_trace_of_transaction() {
    trace_everything();
    let world = World::new().await;
    world.relay();
    let (traces, mut seen) = mpsc::unbounded_channel();
    let handler = move |_| {
        let traces = traces.clone();
        async move {
            traces
                .send(trace_of(&Span::current()))
                .map_err(HandlerError::fail)
        }
    };
    let consumer = Consumer::new("test.traced", &["stream.*"]).retry(quick(3));
    world.consume(consumer, "test.traced", handler).await;
    let mut listener = Listener::start(&world.bus, &["stream.*"]);
    assert!(matches!(
        timeout(TIMEOUT, listener.next()).await.unwrap(),
        Some(ListenerEvent::Connected)
    ));

    let request = info_span!("request");
    world.emit(stream_started(), 1).instrument(request.clone()).await;

    assert_ne!(trace_of(&request), TraceId::INVALID);
    assert_eq!(
        timeout(TIMEOUT, seen.recv()).await.unwrap(),
        Some(trace_of(&request))
    );
    match timeout(TIMEOUT, listener.next()).await.unwrap() {
        Some(ListenerEvent::Event(_, span)) => assert_eq!(trace_of(&span), trace_of(&request)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn realtime_message_joins_trace_of_publisher() {
    trace_everything();
    let world = World::new().await;
    let realtime = Realtime::start(&world.bus);
    let mut subscriber = RealtimeSubscriber::start(&world.bus, &["stream.1"]);
    assert!(matches!(
        timeout(TIMEOUT, subscriber.next()).await.unwrap(),
        Some(SubscriberEvent::Connected)
    ));
    world.bus.connected().await;
    let request = info_span!("request");
    request.in_scope(|| {
        let message = ViewerCountChanged {
            stream_id: 1,
            count: 1,
        };
        realtime.publish(Realtime::stream_key(1), Message::ViewerCountChanged(message));
    });
    match timeout(TIMEOUT, subscriber.next()).await.unwrap() {
        Some(SubscriberEvent::Message { span, .. }) => assert_eq!(trace_of(&span), trace_of(&request)),
        other => panic!("{other:?}"),
    }
}
