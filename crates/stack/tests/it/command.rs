//! The `airwave-stack` program cleans up after itself.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stack::{Stack, eventually};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Starts a stack around a shell command and reads the stack's description.
async fn start(command: &str) -> (Child, Stack) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_airwave-stack"))
        .args([
            "test",
            "--",
            "sh",
            "-c",
            &format!("cat $AIRWAVE_STACK; echo; echo END; {command}"),
        ])
        .env_remove("AIRWAVE_STACK")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut out = child.stdout.take().unwrap();
    while !text.ends_with("END\n") {
        let mut part = [0; 4096];
        let length = out.read(&mut part).await.unwrap();
        assert_ne!(length, 0, "output ended early: {text}");
        text.push_str(std::str::from_utf8(&part[..length]).unwrap());
    }
    let stack = serde_json::from_str(text.trim_end_matches("END\n")).unwrap();
    (child, stack)
}

/// Returns the command lines of all processes that name the folder or run in it.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap() {
        let process = process.unwrap().path();
        let line =
            String::from_utf8_lossy(&std::fs::read(process.join("cmdline")).unwrap_or_default()).into_owned();
        let directory = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        if line.contains(folder) || directory.to_string_lossy().starts_with(folder) {
            found.push(line.replace('\0', " "));
        }
    }
    found
}

fn ensure_no_processes(folder: &Path) -> Result<(), String> {
    let remaining = processes(folder);
    if remaining.is_empty() {
        Ok(())
    } else {
        Err(remaining.join("\n"))
    }
}

#[tokio::test]
async fn exit_code_is_the_commands_and_cleanup_is_complete() {
    let (mut child, stack) = start("exit 7").await;
    assert_eq!(child.wait().await.unwrap().code(), Some(7));
    assert!(!stack.folder.exists());
    ensure_no_processes(&stack.folder).unwrap();
}

#[tokio::test]
async fn sigkill_stops_servers() {
    let (mut child, stack) = start("sleep 1000").await;
    assert!(processes(&stack.folder).len() > 5);
    kill(
        Pid::from_raw(child.id().unwrap().try_into().unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    child.wait().await.unwrap();
    eventually(Duration::from_secs(30), "the servers to stop", async || {
        ensure_no_processes(&stack.folder)
    })
    .await
    .unwrap();
    stack::place::forget(&stack.folder).unwrap();
}

#[tokio::test]
async fn sigterm_stops_command_and_servers() {
    let (mut child, stack) = start("exec sleep 1000").await;
    kill(
        Pid::from_raw(child.id().unwrap().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert!(!child.wait().await.unwrap().success());
    assert!(!stack.folder.exists());
    ensure_no_processes(&stack.folder).unwrap();
}
