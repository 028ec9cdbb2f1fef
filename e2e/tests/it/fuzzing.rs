//! The API asked by its own description: Schemathesis makes requests that fit it and requests that do not,
//! with a fixed seed, and checks what the platform answers. A defect in either shows here: a 5xx, a status or
//! a body that is not described, something good that is refused, something bad that is taken.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::Api;
use serde_json::json;
use stack::{Platform, PlatformOptions};
use tokio::time::timeout;

use crate::permissions::grant;

const PATIENCE: Duration = Duration::from_secs(900);

#[tokio::test(flavor = "multi_thread")]
async fn the_api_keeps_to_its_description() -> Result<()> {
    let platform = Platform::start(PlatformOptions {
        variables: unlimited(),
    })
    .await?;
    let guest = Api::guest(platform.origin())?;
    guest.register("fuzz_admin").await?;
    grant(&platform, "fuzz_admin", "admin").await?;
    let admin = guest.login("fuzz_admin").await?;
    // Something that the first ids name.
    let stream = json!({"title": "A title"});
    admin.api.post("/streams", stream).await?.expect(201)?;
    let said = ask(&platform, &admin.token).await?;
    println!("{said}");
    platform.stop().await
}

/// A limit of rates would hide what is behind it.
fn unlimited() -> Vec<(String, String)> {
    let gateway =
        ["READS", "WRITES", "SIGN_INS", "UPLOADS"].map(|group| (format!("GATEWAY_{group}_PER_MINUTE"), "0"));
    let auth = ["REGISTRATIONS", "LOGINS"].map(|what| (format!("AUTH_{what}_PER_ADDRESS"), "1000000"));
    let all = gateway.into_iter().chain(auth);
    all.map(|(name, value)| (format!("AIRWAVE_{name}"), value.to_owned()))
        .collect()
}

/// The end of what it printed, when all is well.
async fn ask(platform: &Platform, token: &str) -> Result<String> {
    let asking = e2e::python("schemathesis", "schemathesis")
        .args(["run", &format!("{}/openapi.json", platform.origin())])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .stdin(Stdio::null())
        .output();
    let asked = timeout(PATIENCE, asking).await.context("it took too long")?;
    let asked = asked.context("cannot run Schemathesis: `make test` installs it")?;
    let said = String::from_utf8_lossy(&asked.stdout);
    ensure!(
        asked.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&asked.stderr)
    );
    let end = said.rfind("SUMMARY").unwrap_or_default();
    Ok(said.get(end..).unwrap_or_default().to_owned())
}
