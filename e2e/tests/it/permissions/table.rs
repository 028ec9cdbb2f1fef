//! The table of routes and statuses.

use e2e::api::PASSWORD;
use serde_json::{Value, json};

/// A route, its body, and the status for each of [`super::CALLERS`].
pub(super) struct Row(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) Value,
    pub(super) [u16; 6],
);

const OPEN: [u16; 6] = [200, 401, 200, 200, 200, 200];
const SIGNED_IN: [u16; 6] = [401, 401, 200, 200, 200, 200];
const OWNERS: [u16; 6] = [401, 401, 403, 403, 200, 200];
const OWNER_ALONE: [u16; 6] = [401, 401, 403, 403, 200, 403];
const MODERATORS: [u16; 6] = [401, 401, 403, 200, 200, 200];
const ADMINS: [u16; 6] = [401, 401, 403, 403, 403, 200];
const MISSING: [u16; 6] = [401, 401, 404, 404, 404, 404];
const NONE: Value = Value::Null;

/// `{stream}` is a new stream of the owner, `{category}` a new category, `{other}` another account,
/// `{new}` a unique text. The body `THROWAWAY` means no body, and a caller with a new account.
pub(super) fn table() -> Vec<Row> {
    [
        accounts(),
        streams(),
        vods(),
        categories(),
        chat(),
        notifications(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn accounts() -> Vec<Row> {
    vec![
        Row(
            "POST",
            "/users/register",
            json!({"username": "{new}", "password": PASSWORD}),
            [201; 6],
        ),
        Row(
            "POST",
            "/users/login",
            json!({"username": "p_owner", "password": PASSWORD}),
            [200; 6],
        ),
        Row("POST", "/users/refresh", json!({"refreshToken": "x"}), [401; 6]),
        Row(
            "POST",
            "/users/logout",
            json!("THROWAWAY"),
            [401, 401, 204, 204, 204, 204],
        ),
        Row("GET", "/users/me", NONE, SIGNED_IN),
        Row("DELETE", "/users/me", json!("THROWAWAY"), SIGNED_IN),
        Row("PUT", "/users/me/profile", json!({"bio": "x"}), SIGNED_IN),
        Row(
            "PUT",
            "/users/me/password",
            json!({"currentPassword": "not this one", "newPassword": "long enough"}),
            [401, 401, 403, 403, 403, 403],
        ),
        Row("GET", "/users/profile/p_owner", NONE, OPEN),
        Row("GET", "/users/{other}/followers", NONE, OPEN),
        Row("GET", "/users/{other}/following", NONE, OPEN),
        Row(
            "POST",
            "/users/{other}/follow",
            NONE,
            [401, 401, 201, 201, 201, 201],
        ),
        Row("DELETE", "/users/{other}/follow", NONE, SIGNED_IN),
        Row("POST", "/users/{other}/unfollow", NONE, MISSING),
        Row("DELETE", "/users/{other}/unfollow", NONE, MISSING),
        Row("GET", "/admin/users", NONE, ADMINS),
        Row(
            "PUT",
            "/admin/users/{other}/role",
            json!({"role": "user"}),
            ADMINS,
        ),
        Row("POST", "/admin/users/{other}/ban", json!({}), ADMINS),
        Row("DELETE", "/admin/users/{other}/ban", NONE, ADMINS),
    ]
}

fn streams() -> Vec<Row> {
    vec![
        Row("GET", "/streams", NONE, OPEN),
        Row(
            "POST",
            "/streams",
            json!({"title": "A title"}),
            [401, 401, 201, 201, 201, 201],
        ),
        Row("GET", "/streams/search?searchQuery=title", NONE, OPEN),
        Row("GET", "/streams/{stream}", NONE, OPEN),
        Row(
            "PUT",
            "/streams/{stream}",
            json!({"title": "Another title"}),
            OWNERS,
        ),
        Row("POST", "/streams/{stream}/key", NONE, OWNER_ALONE),
        Row("POST", "/streams/{stream}/stop", NONE, OWNERS),
        Row("GET", "/streams/{stream}/broadcasts", NONE, OPEN),
        Row(
            "GET",
            "/streams/{stream}/vod",
            NONE,
            [404, 401, 404, 404, 404, 404],
        ),
        Row("DELETE", "/streams/{stream}", NONE, OWNERS),
    ]
}

fn vods() -> Vec<Row> {
    vec![
        Row("GET", "/vod", NONE, OPEN),
        Row("GET", "/vod/search?searchQuery=title", NONE, OPEN),
        Row(
            "POST",
            "/vod/upload-local",
            json!({"title": "A title"}),
            [401, 401, 400, 400, 400, 400],
        ),
        Row(
            "POST",
            "/vod/upload",
            json!({"objectKey": "imports/none.mp4", "title": "A title"}),
            [401, 401, 403, 403, 403, 404],
        ),
        Row("GET", "/vod/999999", NONE, [404, 401, 404, 404, 404, 404]),
        Row("PUT", "/vod/999999", json!({}), MISSING),
        Row("POST", "/vod/999999/refresh-url", NONE, MISSING),
        Row("POST", "/vod/999999/retry", NONE, MISSING),
        Row("DELETE", "/vod/999999", NONE, MISSING),
    ]
}

fn categories() -> Vec<Row> {
    vec![
        Row("GET", "/categories", NONE, OPEN),
        Row(
            "POST",
            "/categories",
            json!({"name": "{new}"}),
            [401, 401, 403, 403, 403, 201],
        ),
        Row("GET", "/categories/search?tag=games", NONE, OPEN),
        Row("GET", "/categories/gaming", NONE, OPEN),
        Row(
            "PUT",
            "/categories/{category}",
            json!({"description": "x"}),
            ADMINS,
        ),
        Row("DELETE", "/categories/{category}", NONE, ADMINS),
    ]
}

fn chat() -> Vec<Row> {
    vec![
        Row("GET", "/chat/{stream}/messages", NONE, OPEN),
        // The stream is not live.
        Row(
            "POST",
            "/chat/{stream}/messages",
            json!({"message": "hello"}),
            [401, 401, 409, 409, 409, 409],
        ),
        Row("DELETE", "/chat/{stream}/messages/x", NONE, MISSING),
        Row("GET", "/chat/{stream}/settings", NONE, OPEN),
        Row(
            "PUT",
            "/chat/{stream}/settings",
            json!({"slowModeSeconds": 5}),
            MODERATORS,
        ),
        Row("GET", "/chat/{stream}/bans", NONE, MODERATORS),
        Row(
            "POST",
            "/chat/{stream}/bans",
            json!({"userId": "{other}"}),
            [401, 401, 403, 201, 201, 201],
        ),
        Row(
            "DELETE",
            "/chat/{stream}/bans/{other}",
            NONE,
            [401, 401, 403, 404, 404, 404],
        ),
        Row("GET", "/chat/{stream}/moderators", NONE, MODERATORS),
        Row(
            "POST",
            "/chat/{stream}/moderators",
            json!({"userId": "{other}"}),
            [401, 401, 403, 403, 201, 201],
        ),
        Row(
            "DELETE",
            "/chat/{stream}/moderators/{other}",
            NONE,
            [401, 401, 403, 403, 404, 404],
        ),
        Row("GET", "/chat/{stream}/log", NONE, MODERATORS),
    ]
}

fn notifications() -> Vec<Row> {
    vec![
        Row("GET", "/notifications", NONE, SIGNED_IN),
        Row("GET", "/notifications/unread-count", NONE, SIGNED_IN),
        Row("POST", "/notifications/read-all", NONE, SIGNED_IN),
        Row("POST", "/notifications/999999/read", NONE, MISSING),
    ]
}
