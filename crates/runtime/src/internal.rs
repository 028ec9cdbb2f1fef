//! The internal port of a process: probes and metrics. It is not for the outside, and not traced.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};

use crate::figures::Figures;
use crate::health::Health;
use crate::metrics::render;
use crate::shutdown::Shutdown;

/// Connections that are open at once; probes need two or three.
const MAX_CONNECTIONS: usize = 64;

/// A bound socket for `/healthz`, `/readyz` and `/metrics`.
pub struct InternalListener {
    listener: TcpListener,
    addr: SocketAddr,
    figures: Figures,
}

impl InternalListener {
    /// Takes the port, so that its number is known before anything else starts.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let figures = Figures::default();
        Ok(Self {
            listener,
            addr,
            figures,
        })
    }

    /// Prints these beside the metrics of the process.
    #[must_use]
    pub fn showing(self, figures: &Figures) -> Self {
        let figures = figures.clone();
        Self { figures, ..self }
    }

    /// The address, with the port that was given.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until the hard stop: while the process drains, probes see that it is alive and not ready.
    ///
    /// # Errors
    /// When the server can not start.
    pub fn serve(self, health: Health, shutdown: &Shutdown) -> io::Result<()> {
        crate::metrics::recorder();
        let state = Data::new(State {
            health,
            shutdown: shutdown.clone(),
            figures: self.figures,
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
        // The tasks that the shutdown tracks must end before it turns hard, and this one must not.
        let hard = shutdown.hard_token();
        tokio::spawn(async move {
            hard.cancelled().await;
            handle.stop(false).await;
        });
        tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the internal listener ended");
            }
        });
        let upkeep = shutdown.clone();
        shutdown.spawn("metrics upkeep", async move {
            let mut tick = tokio::time::interval(Duration::from_secs(5));
            while !upkeep.is_stopping() {
                tokio::select! {
                    _ = tick.tick() => crate::metrics::recorder().run_upkeep(),
                    () = upkeep.stopping() => {}
                }
            }
        });
        Ok(())
    }
}

struct State {
    health: Health,
    shutdown: Shutdown,
    figures: Figures,
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
        .body(render() + &state.figures.render())
}
