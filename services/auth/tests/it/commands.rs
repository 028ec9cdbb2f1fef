//! The binary: settings, probes, signals and `auth admin`.

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proto::auth::v1::Role;
use secrecy::ExposeSecret;
use stack::eventually;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::world::{PASSWORD, SERVICE_SECRET, TIMEOUT, World, code, user};

pub(crate) fn binary(world: &World) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth"));
    let config = &world.config;
    command
        .env_clear()
        .env("AIRWAVE_ENV", "development")
        .env("AIRWAVE_GRPC_ADDR", "127.0.0.1:0")
        .env("AIRWAVE_INTERNAL_ADDR", free_port().to_string())
        .env(
            "AIRWAVE_DATABASE_URL",
            config.database.database_url.expose_secret(),
        )
        .env("AIRWAVE_REDIS_URL", config.redis.redis_url.expose_secret())
        .env("AIRWAVE_REDIS_PREFIX", &config.redis.redis_prefix)
        .env("AIRWAVE_AMQP_URL", config.common.bus.amqp_url.expose_secret())
        .env("AIRWAVE_BUCKET_ENDPOINT", config.bucket.endpoint.as_str())
        .env("AIRWAVE_BUCKET_NAME", &config.bucket.name)
        .env("AIRWAVE_BUCKET_KEY_ID", &config.bucket.key_id)
        .env("AIRWAVE_BUCKET_SECRET", config.bucket.secret.expose_secret())
        .env("AIRWAVE_BUCKET_PREFIX", &config.bucket.prefix)
        .env("AIRWAVE_SERVICE_SECRET", SERVICE_SECRET)
        .env(
            "AIRWAVE_AUTH_SIGNING_KEY",
            config.tokens.signing_key.expose_secret(),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

pub(crate) fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Runs the binary to its end and returns its output.
pub(crate) async fn output(mut command: Command) -> Output {
    tokio::time::timeout(TIMEOUT, command.output())
        .await
        .unwrap()
        .unwrap()
}

/// Starts the binary with its log in a file: it would block on a full pipe.
pub(crate) fn spawn_logged(mut command: Command) -> (Child, NamedTempFile) {
    let log = NamedTempFile::new().unwrap();
    let child = command.stdout(log.reopen().unwrap()).spawn().unwrap();
    (child, log)
}

/// Sends SIGTERM to the binary.
pub(crate) fn terminate(child: &Child) {
    let pid = child.id().unwrap();
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGTERM).unwrap();
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn invalid_setting_prints_one_line_and_exits_with_78() {
    let world = World::new().await;
    let change = |name: &'static str, value: Option<&'static str>| {
        let mut command = binary(&world);
        command.arg("serve");
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
        (name, command)
    };
    for (name, command) in [
        change("AIRWAVE_SERVICE_SECRET", None),
        change("AIRWAVE_SERVICE_SECRET", Some("hunter2")),
        change("AIRWAVE_DATABASE_URL", Some("mysql://root:hunter2@db/auth")),
        change("AIRWAVE_DATABASE_URL", None),
        change("AIRWAVE_AMQP_URL", Some("hunter2")),
        change("AIRWAVE_GRPC_ADDR", Some("hunter2")),
        change("AIRWAVE_AUTH_SIGNING_KEY", Some("hunter2")),
        change("AIRWAVE_AUTH_SIGNING_KEY", None),
        change("AIRWAVE_AUTH_ACCESS_TOKEN_SECONDS", Some("86401")),
        change("AIRWAVE_AUTH_ARGON2_MEMORY_KIB", Some("7")),
        change("AIRWAVE_ENV", Some("staging")),
        change("AIRWAVE_LOG", Some("a=b=c")),
    ] {
        let output = output(command).await;
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{line}");
        assert!(
            line.starts_with(&format!("auth: {name} ")) && line.lines().count() == 1,
            "{line}"
        );
        assert!(!line.contains("hunter2") || name == "AIRWAVE_GRPC_ADDR", "{line}");
    }
}

#[tokio::test]
async fn example_secrets_are_rejected_in_production() {
    let world = World::new().await;
    let mut command = binary(&world);
    command.arg("serve").env("AIRWAVE_ENV", "production");
    command.env(
        "AIRWAVE_SERVICE_SECRET",
        "example-service-secret-change-me-please",
    );
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(
        text(&output.stderr).starts_with("auth: AIRWAVE_SERVICE_SECRET is an example"),
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test]
async fn without_servers_process_is_alive_but_not_ready() {
    let world = World::new().await;
    let internal = free_port();
    let mut command = binary(&world);
    command
        .arg("serve")
        .env("AIRWAVE_INTERNAL_ADDR", internal.to_string());
    command.env(
        "AIRWAVE_DATABASE_URL",
        format!("postgres://nobody@{}/nothing", free_port()),
    );
    let mut child = command.spawn().unwrap();
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{internal}{path}")).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    };
    let (status, _) = eventually(TIMEOUT, "the probe", async || get("/healthz").await)
        .await
        .unwrap();
    assert_eq!(status, 200);
    let (status, body) = get("/readyz").await.unwrap();
    assert_eq!(status, 503);
    assert!(
        body.contains(r#""redis":"ok""#) && !body.contains(r#""postgres":"ok""#),
        "{body}"
    );
    assert!(
        get("/metrics")
            .await
            .unwrap()
            .1
            .contains("process_resident_memory_bytes")
    );

    terminate(&child);
    let ended = async || child.try_wait().unwrap();
    assert!(eventually(TIMEOUT, "the end", ended).await.unwrap().success());
}

#[tokio::test]
async fn running_service_is_ready_and_logs_no_secrets() {
    let world = World::new().await;
    let internal = free_port();
    let mut command = binary(&world);
    command
        .arg("serve")
        .env("AIRWAVE_INTERNAL_ADDR", internal.to_string())
        .env("AIRWAVE_LOG", "debug");
    let (child, log) = spawn_logged(command);
    let ready = async || {
        let answer = reqwest::get(format!("http://{internal}/readyz")).await.ok()?;
        let (status, body) = (answer.status(), answer.text().await.ok()?);
        (status.is_success() && body.contains(r#""rabbitmq":"ok""#)).then_some(())
    };
    eventually(TIMEOUT, "readiness", ready).await.unwrap();
    terminate(&child);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    let log = std::fs::read_to_string(log.path()).unwrap();
    for line in log.lines() {
        assert!(
            line.starts_with('{') && line.contains(r#""service":"auth""#),
            "{line}"
        );
    }
    let config = &world.config;
    let secrets = [
        config.database.database_url.expose_secret(),
        config.common.bus.amqp_url.expose_secret(),
        config.tokens.signing_key.expose_secret(),
        SERVICE_SECRET,
    ];
    assert!(secrets.iter().all(|secret| !log.contains(secret)));
    assert!(
        log.contains("stopping") && output.stderr.is_empty(),
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test]
async fn command_line_grants_roles() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let admin = async |args: &[&str]| {
        let mut command = binary(&world);
        command.arg("admin").args(args);
        output(command).await
    };
    assert!(admin(&["grant", "Anna"]).await.status.success());
    assert_eq!(
        replica.me(&anna.access_token).await.unwrap().role,
        Role::Admin as i32
    );
    let raised = replica.refresh(&anna.refresh_token).await.unwrap();
    assert_eq!(user(&raised).role, Role::Admin as i32);

    // A demotion takes effect at once: the token with the old role is rejected.
    assert!(admin(&["grant", "anna", "--role", "user"]).await.status.success());
    let refused = async || code(replica.me(&raised.access_token).await) == "auth.token_invalid";
    eventually(TIMEOUT, "the refusal", refused).await.unwrap();
    let lowered = replica.refresh(&raised.refresh_token).await.unwrap();
    assert_eq!(
        replica.me(&lowered.access_token).await.unwrap().role,
        Role::User as i32
    );

    let nobody = admin(&["grant", "nobody"]).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(
        text(&nobody.stdout).contains("user nobody not found"),
        "{}",
        text(&nobody.stdout)
    );
}

#[tokio::test]
async fn command_line_resets_passwords() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let mut command = binary(&world);
    command.args(["admin", "reset-password", "anna"]);
    let printed = output(command).await;
    assert!(printed.status.success());
    let line = text(&printed.stdout).lines().last().unwrap().to_owned();
    let password = line
        .strip_prefix("new password of anna: ")
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert_eq!(
        code(replica.login("anna", PASSWORD).await),
        "auth.invalid_credentials"
    );
    let fresh = replica.login("anna", password).await.unwrap();
    assert_eq!(
        code(replica.refresh(&anna.refresh_token).await),
        "auth.refresh_token_invalid"
    );
    let refused = async || code(replica.me(&anna.access_token).await) == "auth.token_invalid";
    eventually(Duration::from_secs(5), "the refusal", refused)
        .await
        .unwrap();
    assert!(
        replica.me(&fresh.access_token).await.is_ok(),
        "a later session continues"
    );

    let mut command = binary(&world);
    let mut child = command
        .args(["admin", "reset-password", "anna", "--stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"another password\n")
        .await
        .unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success() && !text(&output.stdout).contains("another password"));
    assert!(replica.login("anna", "another password").await.is_ok());
}
