//! An OpenTelemetry collector that stores the spans it receives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A finished span.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// The service that recorded it.
    pub service: String,
    pub name: String,
    trace_id: Vec<u8>,
}

/// The spans received so far.
#[derive(Clone, Default)]
pub(crate) struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    /// Listens on a free port; also returns the endpoint for `AIRWAVE_OTLP_ENDPOINT`.
    pub(crate) async fn start() -> Result<(Self, String)> {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(server);
        Ok((collector, endpoint))
    }

    /// Returns the spans of every trace that contains a span with this name.
    pub(crate) fn traces_with(&self, name: &str) -> Vec<Vec<Span>> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut traces: HashMap<&[u8], Vec<Span>> = HashMap::new();
        for span in spans.iter() {
            traces.entry(&span.trace_id).or_default().push(span.clone());
        }
        traces
            .into_values()
            .filter(|trace| trace.iter().any(|span| span.name == name))
            .collect()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.unwrap_or_default().attributes;
            let service = attributes.into_iter().find(|a| a.key == "service.name");
            let service = match service.and_then(|a| a.value).and_then(|v| v.value) {
                Some(Value::StringValue(name)) => name,
                _ => String::new(),
            };
            let found = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(found.map(|span| Span {
                service: service.clone(),
                name: span.name,
                trace_id: span.trace_id,
            }));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
