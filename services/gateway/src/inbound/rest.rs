//! REST over HTTP for browsers and API clients, the API's description, and the page. One file a noun.

mod account;
mod admin;
mod caller;
mod categories;
mod chat;
mod edge;
mod extract;
mod field;
mod form;
mod notifications;
mod openapi;
mod page;
mod probes;
mod problem;
mod recent;
mod shape;
mod streams;
mod throttle;
mod upload;
mod users;
mod vods;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};
use identity::Verifier;
use runtime::{Health, Shutdown};

use crate::config::PublicConfig;
use crate::domain::address::Network;
use crate::domain::limits::Limits;
use crate::domain::origin::Origins;
use crate::outbound::peers::Peers;
use crate::outbound::people::People;
use crate::outbound::views::Views;
use crate::store::limits::RouteLimits;
use chat::{moderation, settings};

pub(crate) use openapi::{bound_properties, document};
pub(crate) use page::Page;
pub(crate) use recent::Recent;

/// How long a connection may be idle between two requests; longer than the proxy in front keeps it.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// For one worker of the listener.
const MAX_WORKERS: usize = 4;

/// What all handlers share.
pub(crate) struct Rest {
    pub(crate) peers: Peers,
    pub(crate) people: People,
    pub(crate) recent: Recent,
    pub(crate) views: Arc<Views>,
    pub(crate) verifier: Verifier,
    pub(crate) health: Health,
    pub(crate) shutdown: Shutdown,
    pub(crate) call_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) trusted: Vec<Network>,
    pub(crate) rates: Limits,
    pub(crate) limits: RouteLimits,
    pub(crate) page: Page,
    pub(crate) openapi: web::Bytes,
    pub(crate) asyncapi: web::Bytes,
}

/// A bound socket for REST.
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

    /// Answers until a stop is asked for, then finishes the requests that are in progress.
    pub(crate) fn serve(self, rest: Rest, config: &PublicConfig, shutdown: &Shutdown) -> io::Result<()> {
        let rest = Data::from(Arc::new(rest));
        let origins = Origins::new(config.gateway_allowed_origins.iter().cloned());
        let workers = std::thread::available_parallelism()
            .map_or(2, usize::from)
            .min(MAX_WORKERS);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(rest.clone())
                .wrap(from_fn(throttle::limit))
                .wrap(edge::cors(origins.clone()))
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
                tracing::error!(%error, "the REST listener ended");
            }
        });
        Ok(())
    }
}

/// Registers routes and lists them, so that a test can hold the list against the description.
macro_rules! api {
    ($($path:literal => { $($method:ident $handler:path),+ $(,)? })+) => {
        fn api(config: &mut ServiceConfig) {
            $(config.service(
                web::resource($path)
                    $(.route(web::$method().to($handler)))+
                    .default_service(web::to(|| problem::method_not_allowed(&[$(stringify!($method)),+]))),
            );)+
        }

        /// Every method and path of the API.
        #[cfg(test)]
        const API: &[(&str, &str)] = &[$($((stringify!($method), concat!("/api", $path)),)+)+];
    };
}

api! {
    "/users/register" => { post users::register }
    "/users/login" => { post users::login }
    "/users/refresh" => { post users::refresh }
    "/users/logout" => { post users::logout }
    "/users/me" => { get users::me, delete account::delete }
    "/users/me/profile" => { put account::update_profile }
    "/users/me/password" => { put account::change_password }
    "/users/profile/{username}" => { get users::profile }
    "/users/{id}/followers" => { get users::followers }
    "/users/{id}/following" => { get users::following }
    "/users/{id}/follow" => { post users::follow, delete users::unfollow }
    "/users/{id}/unfollow" => { post users::unfollow_by_post, delete users::unfollow_by_name }
    "/admin/users" => { get admin::list }
    "/admin/users/{id}/role" => { put admin::set_role }
    "/admin/users/{id}/ban" => { post admin::ban, delete admin::unban }
    "/streams" => { get streams::lists::list, post streams::create }
    "/streams/search" => { get streams::lists::search }
    "/streams/{id}" => { get streams::get, put streams::update, delete streams::delete }
    "/streams/{id}/key" => { post streams::rotate_key }
    "/streams/{id}/stop" => { post streams::stop }
    "/streams/{id}/broadcasts" => { get streams::broadcasts }
    "/streams/{id}/vod" => { get vods::latest_of_stream }
    "/vod" => { get vods::list }
    "/vod/search" => { get vods::search }
    "/vod/upload-local" => { post vods::uploads::upload }
    "/vod/upload" => { post vods::uploads::import }
    "/vod/{id}" => { get vods::get, put vods::update, delete vods::delete }
    "/vod/{id}/refresh-url" => { post vods::refresh_url }
    "/vod/{id}/retry" => { post vods::retry }
    "/categories" => { get categories::list, post categories::create }
    "/categories/search" => { get categories::search }
    "/categories/{category}" => { get categories::get, put categories::update, delete categories::delete }
    "/chat/{streamId}/messages" => { get chat::list, post chat::send }
    "/chat/{streamId}/messages/{messageId}" => { delete chat::delete }
    "/chat/{streamId}/settings" => { get settings::get, put settings::update }
    "/chat/{streamId}/bans" => { get moderation::bans, post moderation::ban }
    "/chat/{streamId}/bans/{userId}" => { delete moderation::unban }
    "/chat/{streamId}/moderators" => { get moderation::moderators, post moderation::add_moderator }
    "/chat/{streamId}/moderators/{userId}" => { delete moderation::remove_moderator }
    "/chat/{streamId}/log" => { get moderation::log }
    "/notifications" => { get notifications::list }
    "/notifications/unread-count" => { get notifications::unread_count }
    "/notifications/read-all" => { post notifications::read_all }
    "/notifications/{id}/read" => { post notifications::read }
}

fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::scope("/api")
                .configure(api)
                .default_service(web::to(problem::no_such_path)),
        )
        .route("/openapi.json", web::get().to(openapi::serve))
        .route("/asyncapi.json", web::get().to(openapi::serve_asyncapi))
        .route("/docs", web::get().to(page::docs))
        .route("/healthz", web::get().to(probes::healthz))
        .route("/readyz", web::get().to(probes::readyz))
        .default_service(web::to(page::asset));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_description_and_the_router_are_equal() {
        let document = document();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .keys()
                    .map(|method| (method.clone(), path.clone()))
            })
            .collect();
        let routed = API
            .iter()
            .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(described, routed);
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn every_operation_is_named_once_and_can_fail() {
        let document = document();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(
                    names.insert(operation["operationId"].as_str().unwrap().to_owned()),
                    "{method} {path}"
                );
                assert!(operation["responses"]["503"].is_object(), "{method} {path}");
                assert!(operation["tags"][0].is_string(), "{method} {path}");
            }
        }
    }
}
