//! `docker-compose.yml`: each program gets its variables, accepts them, and reaches the others.

mod expansion;

use std::collections::BTreeSet;

use serde_json::Value;

use self::expansion::expand;
use crate::programs::Program;
use crate::trial::{Environment, accepts, rejects_in_production};
use crate::{assert_same, example, port, read};

/// Variables with which `vod serve` would also process recordings; here a separate worker does.
const WORKER_VARIABLES: &[&str] = &[
    "AIRWAVE_VOD_WORK_NODE",
    "AIRWAVE_VOD_RECORDINGS_DIR",
    "AIRWAVE_VOD_WORK_DIR",
    "AIRWAVE_VOD_WORKERS",
    "AIRWAVE_VOD_SWEEP_SECONDS",
    "AIRWAVE_VOD_SETTLE_SECONDS",
    "AIRWAVE_VOD_EMPTY_SECONDS",
    "AIRWAVE_VOD_LEASE_SECONDS",
    "AIRWAVE_VOD_MAX_ATTEMPTS",
    "AIRWAVE_VOD_RETRY_SECONDS",
];

/// Returns the file without expanding variables.
pub(crate) fn file() -> Value {
    serde_saphyr::from_str(&read("docker-compose.yml")).unwrap()
}

pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) yaml: Value,
}

pub(crate) fn containers() -> Vec<Container> {
    let file = file();
    let services = file["services"].as_object().unwrap();
    services
        .iter()
        .map(|(name, yaml)| Container {
            name: name.clone(),
            yaml: yaml.clone(),
        })
        .collect()
}

pub(crate) fn container(name: &str) -> Container {
    let found = containers().into_iter().find(|container| container.name == name);
    found.unwrap_or_else(|| panic!("unknown container {name}"))
}

fn programs() -> impl Iterator<Item = Container> {
    containers()
        .into_iter()
        .filter(|container| container.yaml["image"] == "airwave-services")
}

impl Container {
    pub(crate) fn command(&self) -> Vec<String> {
        let words = self.yaml["command"].as_array().unwrap();
        words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    }

    fn names(&self) -> BTreeSet<String> {
        self.yaml["environment"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    }

    /// Returns the program's environment if `.env` is a copy of `.env.example`.
    pub(crate) fn environment(&self) -> Environment {
        let given = example_environment();
        let variables = self.yaml["environment"].as_object().unwrap();
        let value = |(name, value): (&String, &Value)| match value {
            Value::Null => Some((name.clone(), given.get(name)?.clone())),
            Value::String(text) => Some((name.clone(), expand(text, &given))),
            other => Some((name.clone(), other.to_string())),
        };
        variables.iter().filter_map(value).collect()
    }
}

fn example_environment() -> Environment {
    let set = example::entries().into_iter().filter(|entry| entry.set);
    set.map(|entry| (entry.name, entry.value)).collect()
}

#[test]
fn each_program_gets_exactly_its_variables() {
    for container in programs() {
        let command = container.command();
        let mut known = Program::of(&command).names();
        if command == ["vod", "serve"] {
            known.retain(|name| !WORKER_VARIABLES.contains(&name.as_str()));
        }
        assert_same(
            &format!("{command:?} and its container {}", container.name),
            &known,
            &container.names(),
        );
    }
}

#[test]
fn every_service_runs_and_migrates() {
    let commands: BTreeSet<_> = programs()
        .map(|container| container.command().join(" "))
        .collect();
    let mut expected = BTreeSet::from(["vod work".to_owned()]);
    for program in crate::programs::PROGRAMS.iter() {
        if program.command.len() == 2 && ["serve", "migrate"].contains(&program.command[1].as_str()) {
            expected.insert(program.command.join(" "));
        }
    }
    assert_same("the containers and the programs", &commands, &expected);
}

#[test]
fn programs_accept_their_settings_and_reject_the_examples_in_production() {
    for container in programs() {
        let (command, environment) = (container.command(), container.environment());
        let given: BTreeSet<_> = environment.keys().cloned().collect();
        let required = Program::of(&command).required();
        assert!(
            required.is_subset(&given),
            "{}: {required:?} are required",
            container.name
        );
        if command[1] != "migrate" {
            accepts(&command, &environment);
            rejects_in_production(&command, &environment);
        }
    }
}

#[test]
fn the_file_and_the_example_have_the_same_variables() {
    let text = read("docker-compose.yml");
    let asked: BTreeSet<String> = text
        .split("${")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
                .collect()
        })
        .collect();
    let entries = example::entries();
    let listed: BTreeSet<_> = entries.iter().map(|entry| entry.name.clone()).collect();
    assert!(
        asked.is_subset(&listed),
        "not in .env.example: {:?}",
        asked.difference(&listed)
    );
    let of_compose: BTreeSet<_> = listed
        .iter()
        .filter(|name| !name.starts_with("AIRWAVE_"))
        .cloned()
        .collect();
    assert!(
        of_compose.is_subset(&asked),
        "unused: {:?}",
        of_compose.difference(&asked)
    );
}

#[test]
fn programs_reach_each_other() {
    for container in programs() {
        let environment = container.environment();
        for (name, url) in environment.iter().filter(|(name, _)| name.ends_with("_URL")) {
            let Some(host) = url
                .strip_prefix("http://")
                .and_then(|rest| rest.split(':').next())
            else {
                continue;
            };
            let listens = crate::compose::container(host).environment();
            assert_eq!(
                port(url),
                port(&listens["AIRWAVE_GRPC_ADDR"]),
                "{name} of {}",
                container.name
            );
        }
        if let Some(test) = container.yaml["healthcheck"]["test"].as_array() {
            let url = test.last().and_then(Value::as_str).unwrap();
            assert!(
                url.ends_with(&format!(
                    ":{}/readyz",
                    port(&environment["AIRWAVE_INTERNAL_ADDR"])
                )),
                "{url}"
            );
        }
    }
}

#[test]
fn media_node_edge_and_gateway_reach_each_other() {
    let (stream, media, edge) = (container("stream"), container("media"), container("edge"));
    let (stream_sees, media_sees, edge_sees) =
        (stream.environment(), media.environment(), edge.environment());
    assert_eq!(
        media_sees["STREAM_HOOKS"],
        format!("stream:{}", port(&stream_sees["AIRWAVE_STREAM_HOOKS_ADDR"]))
    );
    assert_eq!(
        media_sees["HOOK_SECRET"],
        stream_sees["AIRWAVE_STREAM_HOOK_SECRET"]
    );
    let gateway = container("gateway").environment();
    assert_eq!(
        edge_sees["GATEWAY_REST"],
        format!("gateway:{}", port(&gateway["AIRWAVE_GATEWAY_REST_ADDR"]))
    );
    assert_eq!(
        edge_sees["GATEWAY_SOCKETS"],
        format!("gateway:{}", port(&gateway["AIRWAVE_GATEWAY_SOCKET_ADDR"]))
    );
    let worker = container("vod-worker").environment();
    assert_eq!(worker["AIRWAVE_VOD_NODE"], media_sees["NODE"]);
    let node = format!(
        "{}=http://media:{}|",
        media_sees["NODE"],
        crate::images::listens("CONTROL_LISTEN")
    );
    assert!(
        stream_sees["AIRWAVE_STREAM_MEDIA_NODES"].starts_with(&node),
        "{node}"
    );
    assert_eq!(
        edge_sees["MEDIA_NODE"],
        format!("media:{}", crate::images::listens("MEDIA_LISTEN"))
    );
}

#[test]
fn fixed_addresses_are_the_trusted_ones() {
    let address =
        |name: &str, network: &str| container(name).yaml["networks"][network]["ipv4_address"].clone();
    let gateway = container("gateway").environment();
    assert_eq!(
        address("edge", "front"),
        gateway["AIRWAVE_GATEWAY_TRUSTED_PROXIES"]
    );
    assert_eq!(
        address("stream", "control"),
        container("media").environment()["CONTROL_ALLOW"]
    );
}

#[test]
fn published_ports_are_listened_on() {
    for (name, listener) in [("media", "RTMP_LISTEN"), ("edge", "EDGE_LISTEN")] {
        let published = container(name).yaml["ports"][0].as_str().unwrap().to_owned();
        assert_eq!(port(&published), crate::images::listens(listener), "{name}");
    }
}

#[test]
fn references_resolve() {
    let file = file();
    let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let (services, networks, volumes) = (
        keys(&file["services"]),
        keys(&file["networks"]),
        keys(&file["volumes"]),
    );
    for Container { name, yaml } in containers() {
        if let Some(needs) = yaml["depends_on"].as_object() {
            for (needed, how) in needs {
                assert!(services.contains(needed), "{name} needs {needed}");
                let healthy = how["condition"] == "service_healthy";
                let checked = !container(needed).yaml["healthcheck"]["test"].is_null();
                assert!(
                    !healthy || checked,
                    "{name} waits for the health of {needed}, which nobody checks"
                );
            }
        }
        let of_container = match &yaml["networks"] {
            Value::Array(list) => list
                .iter()
                .map(|name| name.as_str().unwrap().to_owned())
                .collect(),
            map => keys(map),
        };
        assert!(of_container.is_subset(&networks), "{name}: {of_container:?}");
        for mount in yaml["volumes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let source = mount.split(':').next().unwrap();
            let is_there = volumes.contains(source)
                || source
                    .strip_prefix("./")
                    .is_some_and(|path| crate::checkout().join(path).exists());
            assert!(is_there, "{name}: {source}");
        }
    }
}
