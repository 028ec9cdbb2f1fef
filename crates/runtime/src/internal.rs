//! The internal port of a process: probes and metrics. It is neither public nor traced.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};

use crate::gauges::LabelledGauges;
use crate::health::Health;
use crate::shutdown::Shutdown;

/// Open connections; probes need two or three.
const MAX_CONNECTIONS: usize = 64;
/// Between two rounds of metrics upkeep and dependency checks.
const UPKEEP_PERIOD: Duration = Duration::from_secs(5);

/// A bound socket for `/healthz`, `/readyz` and `/metrics`.
pub(crate) struct InternalListener {
    listener: TcpListener,
    addr: SocketAddr,
}

/// What the handlers show.
struct State {
    health: Health,
    gauges: LabelledGauges,
    shutdown: Shutdown,
}

impl InternalListener {
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until the hard stop: while the process drains, probes see it alive and not ready.
    pub(crate) fn serve(self, health: Health, gauges: LabelledGauges, shutdown: &Shutdown) -> io::Result<()> {
        crate::metrics::recorder();
        let observed = health.clone();
        shutdown.every("upkeep", UPKEEP_PERIOD, move || {
            crate::metrics::recorder().run_upkeep();
            let observed = observed.clone();
            async move {
                observed.observe().await;
                Ok::<_, Infallible>(())
            }
        });
        let state = Data::new(State {
            health,
            gauges,
            shutdown: shutdown.clone(),
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .route("/healthz", web::get().to(healthz))
                .route("/readyz", web::get().to(readyz))
                .route("/metrics", web::get().to(metrics))
        })
        .workers(1)
        .max_connections(MAX_CONNECTIONS)
        .keep_alive(Duration::from_secs(30))
        .disable_signals()
        .listen(self.listener)?
        .run();
        let handle = server.handle();
        // Not tracked by the shutdown: tracked tasks must end before the hard stop, and this one must not.
        let hard = shutdown.hard_token();
        tokio::spawn(async move {
            hard.cancelled().await;
            handle.stop(false).await;
        });
        tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "internal listener failed");
            }
        });
        Ok(())
    }
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "alive" }))
}

async fn readyz(state: Data<State>) -> HttpResponse {
    let report = state.health.report(state.shutdown.is_stopping()).await;
    if report.is_ready() {
        HttpResponse::Ok().json(report)
    } else {
        HttpResponse::ServiceUnavailable().json(report)
    }
}

async fn metrics(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(crate::metrics::render() + &state.gauges.render())
}
