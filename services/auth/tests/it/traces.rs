//! Exported traces, and trace ids in the log.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use proto::auth::v1::RegisterRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use stack::eventually;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};

use crate::commands::{binary, free_port, spawn_logged, terminate};
use crate::world::{PASSWORD, SERVICE_SECRET, TIMEOUT, World};

/// A collector that records spans.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans;
        let spans = resources
            .into_iter()
            .flat_map(|r| r.scope_spans)
            .flat_map(|s| s.spans);
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn calls_join_the_trace_of_their_caller() {
    let world = World::new().await;
    let collector = Collector::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let service = TraceServiceServer::new(collector.clone());
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );

    let (grpc, mut command) = (free_port(), binary(&world));
    command
        .arg("serve")
        .env("AIRWAVE_GRPC_ADDR", grpc.to_string())
        .env("AIRWAVE_OTLP_ENDPOINT", endpoint);
    command.env("AIRWAVE_LOG", "trace");
    let (mut child, log) = spawn_logged(command);
    let register = async || register_traced(grpc).await;
    eventually(TIMEOUT, "a registration", register).await.unwrap();
    terminate(&child);
    assert!(child.wait().await.unwrap().success());

    assert_spans(&collector.0.lock().unwrap());
    assert_log(&std::fs::read_to_string(log.path()).unwrap());
}

/// Registers a user as part of the trace [`TRACE`]. None while the service does not run yet.
async fn register_traced(grpc: SocketAddr) -> Option<()> {
    let channel = Endpoint::new(format!("http://{grpc}"))
        .unwrap()
        .connect()
        .await
        .ok()?;
    let mut request = Request::new(RegisterRequest {
        username: "anna".to_owned(),
        password: PASSWORD.to_owned(),
        display_name: None,
    });
    let metadata = request.metadata_mut();
    metadata.insert("x-airwave-service", service_token().parse().unwrap());
    metadata.insert("x-request-id", "request-17".parse().unwrap());
    metadata.insert(
        "traceparent",
        format!("00-{TRACE}-b7ad6b7169203331-01").parse().unwrap(),
    );
    AuthServiceClient::new(channel)
        .register(request)
        .await
        .ok()
        .map(drop)
}

/// The call is in the caller's trace; connections and background work export nothing.
fn assert_spans(spans: &[Span]) {
    let ours: Vec<_> = spans
        .iter()
        .filter(|span| hex(&span.trace_id) == TRACE)
        .map(|s| s.name.as_str())
        .collect();
    assert!(ours.contains(&"airwave.auth.v1.AuthService/Register"), "{ours:?}");
    let foreign = [
        "Export",
        "poll",
        "FramedRead",
        "Connection",
        "request",
        "hyper",
        "readyz",
    ];
    assert!(
        spans
            .iter()
            .all(|span| !foreign.iter().any(|name| span.name.contains(name))),
        "{spans:?}"
    );
}

fn assert_log(log: &str) {
    let line = log
        .lines()
        .find(|line| line.contains(r#""message":"registered""#))
        .unwrap();
    assert!(line.contains(&format!(r#""trace_id":"{TRACE}""#)), "{line}");
    assert!(line.contains(r#""request_id":"request-17""#), "{line}");
    assert!(!log.contains(PASSWORD), "passwords are not logged at any level");
}

fn service_token() -> String {
    let secret = secrecy::SecretString::from(SERVICE_SECRET);
    let clock = primitives::Clock::system();
    identity::ServiceTokens::new(&secret, None, identity::ServiceName::Gateway, clock).issue()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn unavailable_collector_does_not_block_the_service() {
    let world = World::new().await;
    let mut command = binary(&world);
    command
        .arg("serve")
        .env("AIRWAVE_OTLP_ENDPOINT", format!("http://{}", free_port()));
    let internal = free_port();
    command.env("AIRWAVE_INTERNAL_ADDR", internal.to_string());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let alive = async || {
        Some(
            reqwest::get(format!("http://{internal}/readyz"))
                .await
                .ok()?
                .status()
                .is_success(),
        )
    };
    eventually(TIMEOUT, "readiness", async || alive().await == Some(true))
        .await
        .unwrap();
    terminate(&child);
    let ended = async || child.try_wait().unwrap();
    assert!(eventually(TIMEOUT, "the end", ended).await.unwrap().success());
}
