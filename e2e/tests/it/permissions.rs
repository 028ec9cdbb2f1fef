//! Permissions: the status that each kind of caller gets from every route of the API, on the whole platform.
//! A route that is described, but missing from the table, fails the test.

mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::{Api, User, number};
use reqwest::Method;
use serde_json::{Value, json};
use stack::platform::binaries;
use stack::{Platform, PlatformOptions, Service, eventually};

use self::table::{Row, table};

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
