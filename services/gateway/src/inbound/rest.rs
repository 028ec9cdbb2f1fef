//! REST over HTTP for browsers and API clients, the description of the API, and the web client. One file per
//! noun.

mod account;
mod admin;
mod api;
mod caller;
mod categories;
mod chat;
mod dto;
mod edge;
mod endpoints;
mod extract;
mod form;
mod idempotency;
mod notifications;
mod openapi;
mod page;
mod probes;
mod problem;
mod recent;
mod state;
mod streams;
mod throttle;
mod upload;
mod users;
mod vods;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};
use runtime::Shutdown;

use crate::config::PublicConfig;
use crate::domain::origin::Origins;

pub(crate) use openapi::document;
pub(crate) use page::Page;
pub(crate) use recent::Recent;
pub(crate) use state::Rest;

/// How long a connection may be idle between two requests; longer than the proxy in front of us keeps it
/// open.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Threads of the listener.
const MAX_WORKERS: usize = 4;

pub(crate) struct RestListener {
    listener: TcpListener,
    addr: SocketAddr,
}

impl RestListener {
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until the shutdown begins, then finishes the requests in progress.
    pub(crate) fn serve(
        self,
        rest: Rest,
        page: Page,
        config: &PublicConfig,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        let (rest, page) = (Data::new(rest), Data::new(page));
        let origins = Origins::new(config.gateway_allowed_origins.iter().cloned());
        let cors = Data::new(edge::cors_policy(origins));
        let workers = std::thread::available_parallelism()
            .map_or(2, usize::from)
            .min(MAX_WORKERS);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(rest.clone())
                .app_data(page.clone())
                .app_data(cors.clone())
                .wrap(from_fn(throttle::limit))
                .wrap(from_fn(edge::cors))
                .wrap(from_fn(edge::guard))
                .configure(routes)
        })
        .workers(workers)
        .max_connections(config.gateway_rest_connections)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(HEAD_TIMEOUT.as_secs())
        .disable_signals()
        .listen(self.listener)?
        .run();
        let (handle, stop) = (server.handle(), shutdown.clone());
        shutdown.spawn("rest stop", async move {
            stop.stopping().await;
            handle.stop(true).await;
        });
        shutdown.spawn_essential("rest", async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "REST listener failed");
            }
        });
        Ok(())
    }
}

fn routes(config: &mut ServiceConfig) {
    api::endpoints().register(config);
    config
        .route("/openapi.json", web::get().to(openapi::openapi))
        .route("/asyncapi.json", web::get().to(openapi::asyncapi))
        .route("/docs", web::get().to(page::docs))
        .route("/healthz", web::get().to(probes::healthz))
        .route("/readyz", web::get().to(probes::readyz))
        .default_service(web::to(page::asset));
}
