//! Servers to compare with, in the same run and on the same machine.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context, Result};
use e2e::inside::database_url;
use e2e::process::printed_address;
use stack::{Platform, Service};
use tokio::process::{Child, Command};

use crate::load::Target;
use crate::queries::Queries;

/// The gateway's number of workers on two cores.
const WORKERS: usize = 2;

type Responses = HashMap<String, Bytes>;

/// Express and Sequelize on the platform's tables; dropping this ends it.
pub(crate) struct Express {
    pub(crate) target: Target,
    _process: Child,
}

impl Express {
    pub(crate) async fn start(platform: &Platform) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/express");
        let mut process = Command::new("node")
            .current_dir(folder)
            .arg("server.mjs")
            .arg(database_url(platform, Service::Stream)?)
            .arg(database_url(platform, Service::Vod)?)
            .env("NODE_ENV", "production")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run node")?;
        let address = printed_address(&mut process).await?;
        Ok(Self {
            target: Target::new(address),
            _process: process,
        })
    }
}

/// Starts a bare actix-web handler that returns the gateway's responses. It ends with the process.
pub(crate) async fn bare(gateway: &Target, queries: &Queries) -> Result<Target> {
    let bodies = gateway.bodies(queries).await?;
    let responses: Responses = queries
        .paths()
        .map(str::to_owned)
        .zip(bodies.into_iter().map(Bytes::from))
        .collect();
    let responses = Data::new(responses);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(responses.clone())
            .default_service(web::to(replay))
    })
    .workers(WORKERS)
    .disable_signals()
    .bind("127.0.0.1:0")?;
    let address = server.addrs().first().context("no address")?.to_string();
    tokio::spawn(server.run());
    Ok(Target::new(address))
}

async fn replay(request: HttpRequest, responses: Data<Responses>) -> HttpResponse {
    match request
        .uri()
        .path_and_query()
        .and_then(|path| responses.get(path.as_str()))
    {
        Some(body) => HttpResponse::Ok()
            .content_type("application/json")
            .body(body.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}
