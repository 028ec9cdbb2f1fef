//! nginx-rtmp's hooks: `POST /internal/rtmp/<node>/<boot id>/<call>`, through the media node's own hook
//! location, which adds the shared secret.
//!
//! Whoever cannot show the secret gets 404, as does everything that is no hook. What a publisher can
//! influence is the body: its arguments are appended to it raw (see `form`). Refusals of a publish all take
//! the same time, so that their time tells nothing of names, keys or bans.

mod form;
mod publish;
mod secret;
mod space;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Data, Path, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures::StreamExt;
use metrics::{counter, histogram};
use runtime::Shutdown;
use tracing::Instrument;

pub use secret::HookSecret;
pub use space::Space;

use crate::config::is_node_name;
use crate::domain::RecordingName;
use crate::outbound::media_node::MediaNodes;
use crate::store::Store;
use crate::store::hooks::{Client, Update};
use form::{Form, Rejected};

/// nginx waits 10 s for an answer and its proxy 8 s; by then a publisher is refused whatever we say.
const DEADLINE: Duration = Duration::from_secs(5);
/// A hook's body comes in one piece from the same machine.
const BODY_DEADLINE: Duration = Duration::from_secs(2);
/// Names have at most 255 bytes and addresses a few hundred; the rest are the publisher's own arguments.
const LARGEST_BODY: usize = 16 << 10;

/// What the hooks need.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// The tables.
    pub store: Store,
    /// The media nodes, asked about other encoders.
    pub nodes: MediaNodes,
    /// The secret that hooks carry.
    pub secret: HookSecret,
    /// The room for recordings.
    pub space: Space,
}

/// What a hook is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// 204.
    Yes,
    /// 403.
    No,
    /// 503: we could not find out in time.
    Unknown,
}

/// The calls that a media node makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Publish,
    PublishDone,
    RecordDone,
    Update,
}

impl Call {
    fn of_url(name: &str) -> Option<Self> {
        Some(match name {
            "publish" => Self::Publish,
            "publish_done" => Self::PublishDone,
            "record_done" => Self::RecordDone,
            "update" => Self::Update,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::PublishDone => "publish_done",
            Self::RecordDone => "record_done",
            Self::Update => "update",
        }
    }

    /// Whether the body names the same call as the URL. The URL wins: it is ours, and the body is partly the
    /// publisher's.
    fn agrees_with(self, body: Option<&str>) -> bool {
        match self {
            Self::Update => matches!(body, Some("update_publish" | "update_play")),
            other => body == Some(other.as_str()),
        }
    }
}

/// Answers hooks until a stop is asked for, and finishes those that are in progress.
///
/// # Errors
/// When the server cannot start.
pub fn serve(hooks: Hooks, listener: TcpListener, shutdown: &Shutdown) -> io::Result<()> {
    let state = Data::new(State {
        hooks: Arc::new(hooks),
        runtime: tokio::runtime::Handle::current(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .service(
                web::resource("/internal/rtmp/{node}/{boot_id}/{call}")
                    .route(web::post().to(receive))
                    .default_service(web::to(not_found)),
            )
            .default_service(web::to(not_found))
    })
    .workers(1)
    .max_connections(512)
    .client_request_timeout(BODY_DEADLINE)
    .keep_alive(Duration::from_secs(15))
    .shutdown_timeout(DEADLINE.as_secs() + 1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    let soft = shutdown.soft_token();
    // Beside the tracked tasks: a server that is dropped instead of stopped would go on holding its port.
    let server = tokio::spawn(server);
    tokio::spawn(async move {
        soft.cancelled().await;
        handle.stop(true).await;
    });
    shutdown.spawn_essential("hooks", async move {
        if let Ok(Err(error)) = server.await {
            tracing::error!(%error, "the hook listener ended");
        }
    });
    Ok(())
}

struct State {
    hooks: Arc<Hooks>,
    runtime: tokio::runtime::Handle,
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().finish()
}

async fn receive(
    request: HttpRequest,
    path: Path<(String, String, String)>,
    payload: Payload,
    state: Data<State>,
) -> HttpResponse {
    let (node, boot_id, call) = path.into_inner();
    let authorization = request
        .headers()
        .get(header::AUTHORIZATION)
        .map_or(&[][..], |value| value.as_bytes());
    if !state.hooks.secret.is_in(authorization) {
        rejected("secret");
        return not_found().await;
    }
    let Some(call) = Call::of_url(&call).filter(|_| is_node_name(&node) && is_node_name(&boot_id)) else {
        return not_found().await;
    };
    let started = Instant::now();
    let body = match read(payload).await {
        Ok(body) if body.is_empty() => return not_found().await,
        Ok(body) => body,
        Err(status) => return HttpResponse::build(status).finish(),
    };
    let hooks = Arc::clone(&state.hooks);
    let span = tracing::info_span!(
        parent: None,
        "hook",
        otel.name = format!("hook.on_{}", call.as_str()),
        otel.kind = "server",
        node,
    );
    // On the service's own runtime: what was begun is finished when nginx goes away, and connections outlive
    // this worker.
    let work = async move { hooks.answer(call, node, boot_id, &body, started).await }.instrument(span);
    let answer = state.runtime.spawn(work).await.unwrap_or(Answer::Unknown);
    histogram!("hook_seconds", "call" => call.as_str()).record(started.elapsed());
    counter!("hook_requests_total", "call" => call.as_str(), "answer" => format!("{answer:?}")).increment(1);
    HttpResponse::build(match answer {
        Answer::Yes => StatusCode::NO_CONTENT,
        Answer::No => StatusCode::FORBIDDEN,
        Answer::Unknown => StatusCode::SERVICE_UNAVAILABLE,
    })
    .finish()
}

async fn read(mut payload: Payload) -> Result<Vec<u8>, StatusCode> {
    let whole = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            body.extend_from_slice(&chunk.map_err(|_| StatusCode::BAD_REQUEST)?);
            if body.len() > LARGEST_BODY {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
        }
        Ok(body)
    };
    tokio::time::timeout(BODY_DEADLINE, whole)
        .await
        .unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
}

fn rejected(reason: &'static str) {
    counter!("hook_rejected_total", "reason" => reason).increment(1);
}

impl Hooks {
    async fn answer(
        &self,
        call: Call,
        node: String,
        boot_id: String,
        body: &[u8],
        started: Instant,
    ) -> Answer {
        let parsed = Form::parse(body).and_then(|form| Ok((form.client_id()?, form)));
        let (id, form) = match parsed {
            Ok(parsed) => parsed,
            Err(Rejected(reason)) => {
                rejected(reason);
                tracing::warn!(reason, call = call.as_str(), "hook rejected");
                return publish::refuse(call, started).await;
            }
        };
        if !call.agrees_with(form.first("call")) {
            rejected("call_contradicts_url");
        }
        let client = Client { node, boot_id, id };
        let work = async {
            match call {
                Call::Publish => self.on_publish(client, &form, started).await,
                Call::PublishDone => said(self.store.publish_done(client).await),
                Call::RecordDone => self.on_record_done(client, &form).await,
                Call::Update => self.on_update(client, &form).await,
            }
        };
        let left = DEADLINE.saturating_sub(started.elapsed());
        tokio::time::timeout(left, work).await.unwrap_or(Answer::Unknown)
    }

    async fn on_record_done(&self, client: Client, form: &Form) -> Answer {
        match form.first("path").and_then(RecordingName::of_path) {
            Some(file) => said(self.store.record_done(client, file).await),
            None => {
                rejected("recording_path");
                Answer::No
            }
        }
    }

    /// Players have no place here, so only publishers are looked up. An answer other than 2xx would end the
    /// stream, so failures of ours let it go on; the reconciler looks again.
    async fn on_update(&self, client: Client, form: &Form) -> Answer {
        if form.first("call") == Some("update_play") {
            return Answer::Yes;
        }
        match self.store.publish_renew(client).await {
            Ok(Update::GoOn) => Answer::Yes,
            Ok(Update::Refused) => Answer::No,
            Err(error) => {
                tracing::warn!(%error, "update not written, the publisher goes on");
                Answer::Yes
            }
        }
    }
}

/// What nginx is told about a hint is of no use to it; the status says for our own log whether it was
/// written.
fn said(outcome: crate::error::Result<()>) -> Answer {
    match outcome {
        Ok(()) => Answer::Yes,
        Err(error) => {
            tracing::warn!(%error, "hook not written");
            Answer::Unknown
        }
    }
}
