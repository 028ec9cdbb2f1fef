//! The endpoints of the API, by tag.

use crate::inbound::rest::endpoints::Endpoints;
use crate::inbound::rest::{account, admin, categories, chat, notifications, streams, users, vods};

/// Returns all endpoints, to be routed and described.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::default()
        .tagged("users", users::endpoints)
        .tagged("users", account::endpoints)
        .tagged("admin", admin::endpoints)
        .tagged("streams", streams::endpoints)
        .tagged("vod", vods::endpoints)
        .tagged("categories", categories::endpoints)
        .tagged("chat", chat::endpoints)
        .tagged("notifications", notifications::endpoints)
}
