//! `deploy/Dockerfile` and the script with which the nginx images start.

use std::collections::BTreeSet;
use std::process::Command;

use stack::Service;

use crate::{checkout, compose, port, read, same};

/// The port on which a listener of the nginx images listens unless told otherwise.
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
    same("the services and what is built", &services, &packages);
    same("the services and what is copied", &services, &copied);
}

#[test]
fn what_is_copied_is_in_the_checkout_and_in_the_context() {
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
            assert!(checkout().join(source).exists(), "{source} is not there");
            assert!(
                *source == "." || sent.iter().any(|folder| source.starts_with(folder)),
                "{source} is not sent to the build"
            );
        }
    }
    for member in ["crates", "services", "e2e", "Cargo.lock", "proto"] {
        assert!(sent.contains(&member), "a build needs {member}");
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
        "the page is not at {web}"
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
        same(
            target,
            &exposed,
            &names.iter().map(|name| listens(name).to_string()).collect(),
        );
    }
}

#[test]
fn rust_of_the_image_is_new_enough() {
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

/// Runs the script with the variables of a container, as far as nginx's own test of a configuration; returns
/// the configuration.
fn configured(name: &str, folder: &std::path::Path, change: &[(&str, &str)]) -> Result<String, String> {
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
fn nginx_accepts_what_the_media_image_makes_and_each_start_has_its_own_id() {
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
    let first = configured("media", folder.path(), &[]).unwrap();
    assert!(!first.contains("${"), "{first}");
    let second = configured("media", folder.path(), &[]).unwrap();
    assert_ne!(boot(first), boot(second));
}

#[test]
fn nginx_accepts_what_the_edge_image_makes() {
    let folder = tempfile::tempdir().unwrap();
    // nginx looks these names up, and they are known in the deployment alone.
    let here = [
        ("GATEWAY_REST", "127.0.0.1:7080"),
        ("GATEWAY_SOCKETS", "127.0.0.1:7081"),
        ("MEDIA_NODE", "127.0.0.1:8081"),
    ];
    let text = configured("edge", folder.path(), &here).unwrap();
    assert!(text.contains("127.0.0.1:7081") && !text.contains("${"), "{text}");
}

#[test]
fn a_value_that_nginx_would_read_as_syntax_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for bad in ["a;b", "a b", "\"", "", "$request_uri", "a|b"] {
        let refused = configured("media", folder.path(), &[("HOOK_SECRET", bad)]).unwrap_err();
        assert!(
            refused.contains("78") && refused.contains("HOOK_SECRET"),
            "{bad:?}: {refused}"
        );
        assert!(!folder.path().join("nginx.conf").exists());
    }
}
