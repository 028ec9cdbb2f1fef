//! `deploy/Dockerfile`, and the start script of the nginx images.

use std::collections::BTreeSet;
use std::process::Command;

use stack::Service;

use crate::{assert_same, checkout, compose, port, read};

/// Returns the default port of a listener in the nginx images.
pub(crate) fn listens(name: &str) -> u16 {
    let script = read("deploy/container/nginx");
    let (_, rest) = script
        .split_once(&format!("${{{name}:-"))
        .unwrap_or_else(|| panic!("no default for {name}"));
    port(rest.split('}').next().unwrap())
}

#[test]
fn every_binary_is_built_and_copied() {
    let text = read("deploy/Dockerfile");
    let packages: BTreeSet<_> = text
        .split("--package ")
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    let (_, copied) = text.split_once("for name in ").unwrap();
    let copied: BTreeSet<_> = copied.split(';').next().unwrap().split_whitespace().collect();
    let services = Service::ALL.map(Service::name).into();
    assert_same("the services and the built packages", &services, &packages);
    assert_same("the services and the copied binaries", &services, &copied);
}

#[test]
fn copied_files_exist_and_are_in_the_build_context() {
    let ignore = read(".dockerignore");
    let sent: Vec<_> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let text = read("deploy/Dockerfile");
    let copies = text
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"));
    for copy in copies {
        let words: Vec<_> = copy.split_whitespace().collect();
        for source in &words[..words.len() - 1] {
            assert!(checkout().join(source).exists(), "{source} does not exist");
            assert!(
                *source == "." || sent.iter().any(|folder| source.starts_with(folder)),
                "{source} is not in the build context"
            );
        }
    }
    for member in ["crates", "services", "e2e", "Cargo.lock", "proto"] {
        assert!(sent.contains(&member), "the build needs {member}");
    }
}

#[test]
fn images_and_containers_agree() {
    let text = read("deploy/Dockerfile");
    let targets: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.split(" AS ").nth(1))
        .collect();
    for container in compose::containers()
        .iter()
        .filter(|container| !container.yaml["build"].is_null())
    {
        let target = container.yaml["build"]["target"].as_str().unwrap();
        assert!(targets.contains(target), "{}: {target}", container.name);
        assert_eq!(
            container.yaml["image"],
            format!("airwave-{target}"),
            "{}",
            container.name
        );
    }
    let web = &compose::container("gateway").environment()["AIRWAVE_GATEWAY_WEB_DIR"];
    assert!(
        text.contains(&format!("COPY --from=page /page/dist/ {web}/")),
        "the web client is not at {web}"
    );
    for (target, names) in [
        ("media", &["RTMP_LISTEN", "MEDIA_LISTEN", "CONTROL_LISTEN"][..]),
        ("edge", &["EDGE_LISTEN"]),
    ] {
        let (_, stage) = text.split_once(&format!(" AS {target}\n")).unwrap();
        let exposed: BTreeSet<_> = stage
            .lines()
            .find_map(|line| line.strip_prefix("EXPOSE "))
            .unwrap()
            .split(' ')
            .map(str::to_owned)
            .collect();
        assert_same(
            target,
            &exposed,
            &names.iter().map(|name| listens(name).to_string()).collect(),
        );
    }
}

#[test]
fn rust_image_is_new_enough() {
    let minor = |text: &str| {
        text.split(['.', '-'])
            .nth(1)
            .and_then(|minor| minor.parse::<u32>().ok())
            .unwrap()
    };
    let (text, manifest) = (read("deploy/Dockerfile"), read("Cargo.toml"));
    let image = text.split("FROM rust:").nth(1).unwrap();
    let needed = manifest
        .split("rust-version = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(minor(image) >= minor(needed), "{needed} is needed");
}

/// Renders a configuration with the variables of a container, and has nginx test it.
fn render(name: &str, folder: &std::path::Path, change: &[(&str, &str)]) -> Result<String, String> {
    let mut script = Command::new(checkout().join("deploy/container/nginx"));
    script
        .args([name, "-t"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    script
        .envs(compose::container(name).environment())
        .envs(change.iter().copied());
    script
        .env("TEMPLATES", checkout().join("deploy/nginx"))
        .env("FOLDER", folder);
    script
        .env("MEDIA_DIR", folder.join("media"))
        .env("RECORD_DIR", folder.join("recordings"));
    let output = script.output().unwrap();
    if output.status.success() {
        Ok(std::fs::read_to_string(folder.join("nginx.conf")).unwrap())
    } else {
        Err(format!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

#[test]
fn nginx_accepts_the_media_configuration_and_each_start_has_a_new_boot_id() {
    let folder = tempfile::tempdir().unwrap();
    let boot = |text: String| {
        text.split("/internal/rtmp/main/")
            .nth(1)
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned()
    };
    let first = render("media", folder.path(), &[]).unwrap();
    assert!(!first.contains("${"), "{first}");
    let second = render("media", folder.path(), &[]).unwrap();
    assert_ne!(boot(first), boot(second));
}

#[test]
fn nginx_accepts_the_edge_configuration() {
    let folder = tempfile::tempdir().unwrap();
    // nginx resolves these names, which exist in a deployment only.
    let here = [
        ("GATEWAY_REST", "127.0.0.1:7080"),
        ("GATEWAY_SOCKETS", "127.0.0.1:7081"),
        ("MEDIA_NODE", "127.0.0.1:8081"),
    ];
    let text = render("edge", folder.path(), &here).unwrap();
    assert!(text.contains("127.0.0.1:7081") && !text.contains("${"), "{text}");
}

#[test]
fn values_with_nginx_syntax_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    for bad in ["a;b", "a b", "\"", "", "$request_uri", "a|b"] {
        let error = render("media", folder.path(), &[("HOOK_SECRET", bad)]).unwrap_err();
        assert!(
            error.contains("78") && error.contains("HOOK_SECRET"),
            "{bad:?}: {error}"
        );
        assert!(!folder.path().join("nginx.conf").exists());
    }
}
