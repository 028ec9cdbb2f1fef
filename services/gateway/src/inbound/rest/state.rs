//! The state that all handlers share.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use identity::Verifier;
use runtime::{Health, Shutdown};

use crate::domain::address::Network;
use crate::domain::limits::Limits;
use crate::inbound::rest::recent::Recent;
use crate::outbound::peers::Peers;
use crate::outbound::people::People;
use crate::outbound::views::Views;
use crate::store::limits::RouteLimits;

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
    pub(crate) openapi: web::Bytes,
    pub(crate) asyncapi: web::Bytes,
}
