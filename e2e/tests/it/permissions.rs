//! Permissions: the status that each kind of caller gets from every route of the API, on the whole platform. A route that is
//! described, but missing from this table, fails the test.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::{Api, PASSWORD, User, number};
use reqwest::Method;
use serde_json::{Value, json};
use stack::platform::binaries;
use stack::{Platform, PlatformOptions, Service, eventually};

/// A kind of caller, in the order of the columns below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Guest,
    /// A banned user, whose token is refused even where none is required.
    Banned,
    /// A user who is not the owner.
    Other,
    /// Another user, who is a moderator of the site.
    Moderator,
    Owner,
    Admin,
}

const CALLERS: [Caller; 6] = [
    Caller::Guest,
    Caller::Banned,
    Caller::Other,
    Caller::Moderator,
    Caller::Owner,
    Caller::Admin,
];

/// A route, its body, and the status for each of [`CALLERS`].
struct Row(&'static str, &'static str, Value, [u16; 6]);

/// `{stream}` is a new stream of the owner, `{category}` a new category, `{other}` another account,
/// `{new}` a unique text. The body `THROWAWAY` means no body, and a caller with a new account.
fn table() -> Vec<Row> {
    const OPEN: [u16; 6] = [200, 401, 200, 200, 200, 200];
    const SIGNED_IN: [u16; 6] = [401, 401, 200, 200, 200, 200];
    const OWNERS: [u16; 6] = [401, 401, 403, 403, 200, 200];
    const OWNER_ALONE: [u16; 6] = [401, 401, 403, 403, 200, 403];
    const MODERATORS: [u16; 6] = [401, 401, 403, 200, 200, 200];
    const ADMINS: [u16; 6] = [401, 401, 403, 403, 403, 200];
    const MISSING: [u16; 6] = [401, 401, 404, 404, 404, 404];
    let none = || Value::Null;
    let throwaway = || json!("THROWAWAY");
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
            throwaway(),
            [401, 401, 204, 204, 204, 204],
        ),
        Row("GET", "/users/me", none(), SIGNED_IN),
        Row("DELETE", "/users/me", throwaway(), SIGNED_IN),
        Row("PUT", "/users/me/profile", json!({"bio": "x"}), SIGNED_IN),
        Row(
            "PUT",
            "/users/me/password",
            json!({"currentPassword": "not this one", "newPassword": "long enough"}),
            [401, 401, 403, 403, 403, 403],
        ),
        Row("GET", "/users/profile/p_owner", none(), OPEN),
        Row("GET", "/users/{other}/followers", none(), OPEN),
        Row("GET", "/users/{other}/following", none(), OPEN),
        Row(
            "POST",
            "/users/{other}/follow",
            none(),
            [401, 401, 201, 201, 201, 201],
        ),
        Row("DELETE", "/users/{other}/follow", none(), SIGNED_IN),
        Row("POST", "/users/{other}/unfollow", none(), MISSING),
        Row("DELETE", "/users/{other}/unfollow", none(), MISSING),
        Row("GET", "/admin/users", none(), ADMINS),
        Row(
            "PUT",
            "/admin/users/{other}/role",
            json!({"role": "user"}),
            ADMINS,
        ),
        Row("POST", "/admin/users/{other}/ban", json!({}), ADMINS),
        Row("DELETE", "/admin/users/{other}/ban", none(), ADMINS),
        Row("GET", "/streams", none(), OPEN),
        Row(
            "POST",
            "/streams",
            json!({"title": "A title"}),
            [401, 401, 201, 201, 201, 201],
        ),
        Row("GET", "/streams/search?searchQuery=title", none(), OPEN),
        Row("GET", "/streams/{stream}", none(), OPEN),
        Row(
            "PUT",
            "/streams/{stream}",
            json!({"title": "Another title"}),
            OWNERS,
        ),
        Row("POST", "/streams/{stream}/key", none(), OWNER_ALONE),
        Row("POST", "/streams/{stream}/stop", none(), OWNERS),
        Row("GET", "/streams/{stream}/broadcasts", none(), OPEN),
        Row(
            "GET",
            "/streams/{stream}/vod",
            none(),
            [404, 401, 404, 404, 404, 404],
        ),
        Row("DELETE", "/streams/{stream}", none(), OWNERS),
        Row("GET", "/vod", none(), OPEN),
        Row("GET", "/vod/search?searchQuery=title", none(), OPEN),
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
        Row("GET", "/vod/999999", none(), [404, 401, 404, 404, 404, 404]),
        Row("PUT", "/vod/999999", json!({}), MISSING),
        Row("POST", "/vod/999999/refresh-url", none(), MISSING),
        Row("POST", "/vod/999999/retry", none(), MISSING),
        Row("DELETE", "/vod/999999", none(), MISSING),
        Row("GET", "/categories", none(), OPEN),
        Row(
            "POST",
            "/categories",
            json!({"name": "{new}"}),
            [401, 401, 403, 403, 403, 201],
        ),
        Row("GET", "/categories/search?tag=games", none(), OPEN),
        Row("GET", "/categories/gaming", none(), OPEN),
        Row(
            "PUT",
            "/categories/{category}",
            json!({"description": "x"}),
            ADMINS,
        ),
        Row("DELETE", "/categories/{category}", none(), ADMINS),
        Row("GET", "/chat/{stream}/messages", none(), OPEN),
        // The stream is not live.
        Row(
            "POST",
            "/chat/{stream}/messages",
            json!({"message": "hello"}),
            [401, 401, 409, 409, 409, 409],
        ),
        Row("DELETE", "/chat/{stream}/messages/x", none(), MISSING),
        Row("GET", "/chat/{stream}/settings", none(), OPEN),
        Row(
            "PUT",
            "/chat/{stream}/settings",
            json!({"slowModeSeconds": 5}),
            MODERATORS,
        ),
        Row("GET", "/chat/{stream}/bans", none(), MODERATORS),
        Row(
            "POST",
            "/chat/{stream}/bans",
            json!({"userId": "{other}"}),
            [401, 401, 403, 201, 201, 201],
        ),
        Row(
            "DELETE",
            "/chat/{stream}/bans/{other}",
            none(),
            [401, 401, 403, 404, 404, 404],
        ),
        Row("GET", "/chat/{stream}/moderators", none(), MODERATORS),
        Row(
            "POST",
            "/chat/{stream}/moderators",
            json!({"userId": "{other}"}),
            [401, 401, 403, 403, 201, 201],
        ),
        Row(
            "DELETE",
            "/chat/{stream}/moderators/{other}",
            none(),
            [401, 401, 403, 403, 404, 404],
        ),
        Row("GET", "/chat/{stream}/log", none(), MODERATORS),
        Row("GET", "/notifications", none(), SIGNED_IN),
        Row("GET", "/notifications/unread-count", none(), SIGNED_IN),
        Row("POST", "/notifications/read-all", none(), SIGNED_IN),
        Row("POST", "/notifications/999999/read", none(), MISSING),
    ]
}

/// How long a ban may take to reach all services.
const TIMEOUT: Duration = Duration::from_secs(15);

struct World {
    guest: Api,
    owner: User,
    other: User,
    moderator: User,
    admin: User,
    banned: User,
    target: i64,
    count: u32,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_each_caller_as_listed() -> Result<()> {
    let unlimited = |name: &str| (name.to_owned(), "0".to_owned());
    let many = |name: &str| (name.to_owned(), "1000000".to_owned());
    let platform = Platform::start(PlatformOptions {
        variables: vec![
            unlimited("AIRWAVE_GATEWAY_WRITES_PER_MINUTE"),
            unlimited("AIRWAVE_GATEWAY_SIGN_INS_PER_MINUTE"),
            many("AIRWAVE_AUTH_REGISTRATIONS_PER_ADDRESS"),
            many("AIRWAVE_AUTH_LOGINS_PER_ADDRESS"),
        ],
    })
    .await?;
    let mut world = World::new(&platform).await?;
    every_route_is_listed(&platform).await?;
    let mut wrong = Vec::new();
    for Row(method, path, body, expected) in table() {
        for (caller, expected) in CALLERS.into_iter().zip(expected) {
            let status = world.status(caller, method, path, &body).await?;
            if status != expected {
                wrong.push(format!(
                    "{caller:?} {method} {path}: {status} instead of {expected}"
                ));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    platform.stop().await
}

/// Replaces the parameters of a path: `/streams/{id}` and `/streams/{stream}` are the same route.
fn route(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let segments = path.split('/').map(|segment| {
        let named = ["p_owner", "999999", "x", "gaming"].contains(&segment);
        if segment.starts_with('{') || named {
            "*"
        } else {
            segment
        }
    });
    format!(
        "{} {}",
        method.to_uppercase(),
        segments.collect::<Vec<_>>().join("/")
    )
}

async fn every_route_is_listed(platform: &Platform) -> Result<()> {
    let document: Value = reqwest::get(format!("{}/openapi.json", platform.origin()))
        .await?
        .json()
        .await?;
    let paths = document["paths"].as_object().context("no paths")?;
    let described: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, item)| {
            let path = path.trim_start_matches("/api");
            let methods = item.as_object().into_iter().flat_map(|item| item.keys());
            methods.map(move |method| route(method, path))
        })
        .collect();
    let listed: BTreeSet<String> = table()
        .iter()
        .map(|Row(method, path, ..)| route(method, path))
        .collect();
    ensure!(
        described == listed,
        "not in the table: {:?}; not in the API: {:?}",
        described.difference(&listed),
        listed.difference(&described)
    );
    Ok(())
}

impl World {
    async fn new(platform: &Platform) -> Result<Self> {
        let guest = Api::guest(platform.origin())?;
        let mut users = Vec::new();
        for name in [
            "p_owner",
            "p_other",
            "p_moderator",
            "p_admin",
            "p_banned",
            "p_target",
        ] {
            users.push(guest.register(name).await?);
        }
        grant(platform, "p_admin", "admin").await?;
        grant(platform, "p_moderator", "moderator").await?;
        let (admin, moderator) = (guest.login("p_admin").await?, guest.login("p_moderator").await?);
        let [owner, other, _, _, banned, target] = users.try_into().ok().context("six users")?;
        let ban = format!("/admin/users/{}/ban", banned.id);
        admin.api.post(&ban, json!({})).await?.expect(200)?;
        eventually(TIMEOUT, "the ban", async || {
            banned.api.get("/users/me").await?.expect(401)
        })
        .await?;
        Ok(Self {
            target: target.id,
            count: 0,
            guest,
            owner,
            other,
            moderator,
            admin,
            banned,
        })
    }

    fn api(&self, caller: Caller) -> &Api {
        match caller {
            Caller::Guest => &self.guest,
            Caller::Banned => &self.banned.api,
            Caller::Other => &self.other.api,
            Caller::Moderator => &self.moderator.api,
            Caller::Owner => &self.owner.api,
            Caller::Admin => &self.admin.api,
        }
    }

    async fn status(&mut self, caller: Caller, method: &str, path: &str, body: &Value) -> Result<u16> {
        self.count += 1;
        let new = format!("new_{}", self.count);
        let mut path = path.replace("{other}", &self.target.to_string());
        if path.contains("{stream}") {
            let made = self
                .owner
                .api
                .post("/streams", json!({"title": "A title"}))
                .await?
                .expect(201)?;
            path = path.replace("{stream}", &number(&made, "/data/id")?.to_string());
        }
        if path.contains("{category}") {
            let name = json!({"name": format!("category {new}")});
            let made = self.admin.api.post("/categories", name).await?.expect(201)?;
            path = path.replace("{category}", &number(&made, "/id")?.to_string());
        }
        let method = Method::from_bytes(method.as_bytes())?;
        if body == "THROWAWAY" && !matches!(caller, Caller::Guest | Caller::Banned) {
            let user = self.guest.register(&new).await?;
            return Ok(user.api.call(method, &path, None).await?.status.as_u16());
        }
        let text = body.to_string().replace("{new}", &new);
        // In a body, an id is a number.
        let text = text.replace("\"{other}\"", &self.target.to_string());
        let body: Option<Value> = match serde_json::from_str(&text)? {
            Value::Null | Value::String(_) => None,
            body => Some(body),
        };
        Ok(self.api(caller).call(method, &path, body).await?.status.as_u16())
    }
}

/// Grants a role with the command of an operator.
pub(crate) async fn grant(platform: &Platform, name: &str, role: &str) -> Result<()> {
    let auth = binaries().await?.join("auth");
    let environment = platform.wiring().environment(Service::Auth);
    let granted = tokio::process::Command::new(auth)
        .args(["admin", "grant", name, "--role", role])
        .env_clear()
        .envs(environment)
        .output()
        .await?;
    ensure!(
        granted.status.success(),
        "{}",
        String::from_utf8_lossy(&granted.stderr)
    );
    Ok(())
}
