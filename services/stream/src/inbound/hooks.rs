//! Hooks of nginx-rtmp: `POST /internal/rtmp/<node>/<boot id>/<call>`, sent through a location of the media
//! node's nginx that adds the shared secret.
//!
//! Requests without the secret get 404, as do all that are not hooks. Encoders influence the body, because
//! nginx appends their arguments to it unescaped (see `form`). All rejections of a publish take the same
//! time, so that timing reveals nothing about names, keys or bans.

mod disk_space;
mod form;
mod publish;
mod secret;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Data, Path, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures::StreamExt;
use metrics::{counter, histogram};
use primitives::NodeName;
use primitives::node::is_machine_name;
use runtime::Shutdown;
use tokio::time::Instant;
use tracing::Instrument;

pub use disk_space::DiskSpace;
pub use secret::HookSecret;

use crate::domain::RecordingName;
use crate::outbound::media_node::MediaNodes;
use crate::store::Store;
use crate::store::hooks::{EncoderConnection, UpdateDecision};
use form::{Form, InvalidForm};

/// nginx waits 10 s for an answer and its proxy 8 s. Later answers are ignored, and the publish is rejected.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The body of a hook is small and comes from a machine nearby.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Names have at most 255 bytes and addresses a few hundred. The rest are arguments of the encoder.
const MAX_BODY_BYTES: usize = 16 << 10;

#[derive(Debug, Clone)]
pub struct Hooks {
    pub store: Store,
    pub nodes: MediaNodes,
    pub secret: HookSecret,
    pub disk_space: DiskSpace,
}

impl Hooks {
    pub(crate) fn new(app: &crate::App) -> Self {
        let config = &app.config;
        let recordings = config.stream_recordings_dir.clone();
        Self {
            store: app.store.clone(),
            nodes: app.nodes.clone(),
            secret: HookSecret::new(&config.stream_hook_secret),
            disk_space: DiskSpace::new(recordings, config.stream_min_free_bytes),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HookAnswer {
    /// 204.
    Allow,
    /// 403.
    Deny,
    /// 503: a dependency failed or was too slow.
    Unavailable,
}

impl HookAnswer {
    fn status(self) -> StatusCode {
        match self {
            Self::Allow => StatusCode::NO_CONTENT,
            Self::Deny => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The label in metrics.
    fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unavailable => "unavailable",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HookCall {
    Publish,
    PublishDone,
    RecordDone,
    Update,
}

impl HookCall {
    fn from_url(name: &str) -> Option<Self> {
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

    /// Returns whether the body names the same call as the URL. The URL prevails, since encoders influence
    /// the body.
    fn agrees_with(self, body: Option<&str>) -> bool {
        match self {
            Self::Update => matches!(body, Some("update_publish" | "update_play")),
            other => body == Some(other.as_str()),
        }
    }
}

/// Serves hooks until shutdown, then finishes those in progress.
pub fn serve(hooks: Hooks, listener: TcpListener, shutdown: &Shutdown) -> io::Result<()> {
    let state = Data::new(HookState {
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
    .client_request_timeout(BODY_TIMEOUT)
    .keep_alive(Duration::from_secs(15))
    .shutdown_timeout(TIMEOUT.as_secs() + 1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    let soft = shutdown.soft_token();
    // Not a tracked task: a server that is dropped rather than stopped keeps its port.
    let server = tokio::spawn(server);
    tokio::spawn(async move {
        soft.cancelled().await;
        handle.stop(true).await;
    });
    shutdown.spawn_essential("hooks", async move {
        if let Ok(Err(error)) = server.await {
            tracing::error!(%error, "the hook listener failed");
        }
    });
    Ok(())
}

struct HookState {
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
    state: Data<HookState>,
) -> HttpResponse {
    let (node, boot_id, call) = path.into_inner();
    let authorization = request
        .headers()
        .get(header::AUTHORIZATION)
        .map_or(&[][..], |value| value.as_bytes());
    if !state.hooks.secret.is_in(authorization) {
        count_rejection("secret");
        return not_found().await;
    }
    let (Some(call), Ok(node), true) = (
        HookCall::from_url(&call),
        NodeName::try_from(node),
        is_machine_name(&boot_id),
    ) else {
        return not_found().await;
    };
    let started = Instant::now();
    let body = match read_body(payload).await {
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
        %node,
    );
    // Runs on the runtime of the service: the work completes even if nginx disconnects, and connections to
    // servers outlive this worker.
    let work = async move { hooks.answer(call, node, boot_id, &body, started).await }.instrument(span);
    let answer = state.runtime.spawn(work).await.unwrap_or(HookAnswer::Unavailable);
    histogram!("hook_seconds", "call" => call.as_str()).record(started.elapsed());
    counter!("hook_requests_total", "call" => call.as_str(), "answer" => answer.as_str()).increment(1);
    HttpResponse::build(answer.status()).finish()
}

async fn read_body(mut payload: Payload) -> Result<Vec<u8>, StatusCode> {
    let body = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            body.extend_from_slice(&chunk.map_err(|_| StatusCode::BAD_REQUEST)?);
            if body.len() > MAX_BODY_BYTES {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
        }
        Ok(body)
    };
    tokio::time::timeout(BODY_TIMEOUT, body)
        .await
        .unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
}

fn count_rejection(reason: &'static str) {
    counter!("hook_rejected_total", "reason" => reason).increment(1);
}

impl Hooks {
    async fn answer(
        &self,
        call: HookCall,
        node: NodeName,
        boot_id: String,
        body: &[u8],
        started: Instant,
    ) -> HookAnswer {
        let parsed = Form::parse(body).and_then(|form| Ok((form.client_id()?, form)));
        let (client_id, form) = match parsed {
            Ok(parsed) => parsed,
            Err(InvalidForm(reason)) => {
                count_rejection(reason);
                tracing::warn!(reason, call = call.as_str(), "rejected a hook");
                return publish::reject(call, started).await;
            }
        };
        if !call.agrees_with(form.first("call")) {
            count_rejection("call_contradicts_url");
        }
        let connection = EncoderConnection {
            node,
            boot_id,
            client_id,
        };
        let work = async {
            match call {
                HookCall::Publish => self.on_publish(connection, &form, started).await,
                HookCall::PublishDone => hint_answer(self.store.publish_done(connection).await),
                HookCall::RecordDone => self.on_record_done(connection, &form).await,
                HookCall::Update => self.on_update(connection, &form).await,
            }
        };
        let remaining = TIMEOUT.saturating_sub(started.elapsed());
        tokio::time::timeout(remaining, work)
            .await
            .unwrap_or(HookAnswer::Unavailable)
    }

    async fn on_record_done(&self, connection: EncoderConnection, form: &Form) -> HookAnswer {
        match form.first("path").and_then(RecordingName::from_path) {
            Some(file) => hint_answer(self.store.record_done(connection, file).await),
            None => {
                count_rejection("recording_path");
                HookAnswer::Deny
            }
        }
    }

    /// Players are always allowed. Any answer but 2xx would disconnect the encoder, so a failure of this
    /// service allows it too, and the reconciler decides later.
    async fn on_update(&self, connection: EncoderConnection, form: &Form) -> HookAnswer {
        if form.first("call") == Some("update_play") {
            return HookAnswer::Allow;
        }
        match self.store.publish_update(connection).await {
            Ok(UpdateDecision::Continue) => HookAnswer::Allow,
            Ok(UpdateDecision::Reject) => HookAnswer::Deny,
            Err(error) => {
                tracing::warn!(%error, "failed to process an update hook, the encoder continues");
                HookAnswer::Allow
            }
        }
    }
}

/// nginx ignores the answer to these hooks. Its status shows up in the access log and in metrics.
fn hint_answer(outcome: crate::error::Result<()>) -> HookAnswer {
    match outcome {
        Ok(()) => HookAnswer::Allow,
        Err(error) => {
            tracing::warn!(%error, "failed to process a hook");
            HookAnswer::Unavailable
        }
    }
}
