//! The API against its own description: Schemathesis generates valid and invalid requests from a fixed seed
//! and checks the answers. It reports a 5xx, an undescribed status or body, a refused valid request, or an
//! accepted invalid one.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::Api;
use serde_json::json;
use stack::{Platform, PlatformOptions};
use tokio::time::timeout;

use crate::permissions::grant;

const TIMEOUT: Duration = Duration::from_secs(900);

#[tokio::test(flavor = "multi_thread")]
async fn api_conforms_to_its_description() -> Result<()> {
    let platform = Platform::start(PlatformOptions {
        variables: unlimited(),
    })
    .await?;
    let guest = Api::guest(platform.origin())?;
    guest.register("fuzz_admin").await?;
    grant(&platform, "fuzz_admin", "admin").await?;
    let admin = guest.login("fuzz_admin").await?;
    // The first generated ids name this stream.
    let stream = json!({"title": "A title"});
    admin.api.post("/streams", stream).await?.expect(201)?;
    let summary = run_schemathesis(&platform, &admin.token).await?;
    println!("{summary}");
    platform.stop().await
}

/// Rate limits would hide everything behind them.
fn unlimited() -> Vec<(String, String)> {
    let gateway =
        ["READS", "WRITES", "SIGN_INS", "UPLOADS"].map(|group| (format!("GATEWAY_{group}_PER_MINUTE"), "0"));
    let auth = ["REGISTRATIONS", "LOGINS"].map(|what| (format!("AUTH_{what}_PER_ADDRESS"), "1000000"));
    let all = gateway.into_iter().chain(auth);
    all.map(|(name, value)| (format!("AIRWAVE_{name}"), value.to_owned()))
        .collect()
}

/// Returns the summary of a successful run.
async fn run_schemathesis(platform: &Platform, token: &str) -> Result<String> {
    let run = e2e::python("schemathesis", "schemathesis")
        .args(["run", &format!("{}/openapi.json", platform.origin())])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .stdin(Stdio::null())
        .output();
    let output = timeout(TIMEOUT, run)
        .await
        .context("Schemathesis took too long")?;
    let output = output.context("cannot run Schemathesis: `make test` installs it")?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let end = stdout.rfind("SUMMARY").unwrap_or_default();
    Ok(stdout.get(end..).unwrap_or_default().to_owned())
}
