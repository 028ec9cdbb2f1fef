//! Ports and addresses: pods listen on what they, services and policies name, and peers resolve.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{BASE, Container, DEV, documents, find, list, name, objects, programs, settings};
use crate::trial::Environment;
use crate::{assignments, images, port, read};

/// Returns a pod's ports by name.
fn ports(object: &Value) -> BTreeMap<String, u16> {
    let mut ports = BTreeMap::new();
    for container in object["spec"]["template"]["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
    {
        for port in container["ports"].as_array().into_iter().flatten() {
            let number = u16::try_from(port["containerPort"].as_u64().unwrap()).unwrap();
            ports.insert(port["name"].as_str().unwrap().to_owned(), number);
        }
    }
    if object["metadata"]["labels"]["airwave/kind"] == "service" {
        // From patches/service.yaml.
        ports.insert("internal".to_owned(), 7002);
    }
    ports
}

#[test]
fn ports_are_listened_on() {
    let listeners = [
        ("grpc", "AIRWAVE_GRPC_ADDR"),
        ("hooks", "AIRWAVE_STREAM_HOOKS_ADDR"),
        ("rest", "AIRWAVE_GATEWAY_REST_ADDR"),
        ("sockets", "AIRWAVE_GATEWAY_SOCKET_ADDR"),
    ];
    for container in programs()
        .iter()
        .filter(|container| container.command()[1] == "serve")
    {
        let ports = ports(&find("Deployment", &container.owner));
        for (name, variable) in listeners {
            let listens = container.environment().get(variable).map(|address| port(address));
            assert_eq!(ports.get(name).copied(), listens, "{name} of {}", container.owner);
        }
    }
    let internal = port(&settings()["AIRWAVE_INTERNAL_ADDR"]);
    let patch = &documents("k8s/base/patches/service.yaml")[0];
    assert_eq!(ports(patch)["internal"], internal);
    let media = ports(&find("StatefulSet", "media"));
    assert_eq!(media["internal"], internal);
    for (name, listener) in [
        ("rtmp", "RTMP_LISTEN"),
        ("viewers", "MEDIA_LISTEN"),
        ("control", "CONTROL_LISTEN"),
    ] {
        assert_eq!(media[name], images::listens(listener), "{name}");
    }
    assert_eq!(
        ports(&find("Deployment", "edge"))["http"],
        images::listens("EDGE_LISTEN")
    );
}

/// Returns the ports of the pods that a label selector matches.
fn selected(objects: &[Value], labels: &Value) -> Vec<BTreeMap<String, u16>> {
    let wanted = labels.as_object().unwrap();
    let matches = |object: &&Value| {
        let pod = &object["spec"]["template"]["metadata"]["labels"];
        wanted
            .iter()
            .all(|(key, value)| key == "app.kubernetes.io/part-of" || pod[key] == *value)
    };
    let pods = objects
        .iter()
        .filter(|object| object["spec"]["template"].is_object());
    pods.filter(matches).map(ports).collect()
}

#[test]
fn services_and_policies_use_existing_ports() {
    let objects = [objects(BASE), objects(DEV)].concat();
    for object in &objects {
        let (labels, ports): (&Value, Vec<&str>) = match object["kind"].as_str().unwrap() {
            "Service" => (
                &object["spec"]["selector"],
                list(&object["spec"]["ports"])
                    .filter_map(|port| port["targetPort"].as_str())
                    .collect(),
            ),
            "NetworkPolicy" => (
                &object["spec"]["podSelector"]["matchLabels"],
                list(&object["spec"]["ingress"])
                    .flat_map(|rule| list(&rule["ports"]))
                    .filter_map(|port| port["port"].as_str())
                    .collect(),
            ),
            "PodDisruptionBudget" => (&object["spec"]["selector"]["matchLabels"], Vec::new()),
            _ => continue,
        };
        let pods = selected(&objects, labels);
        assert!(
            !pods.is_empty(),
            "{} {} means no pod",
            object["kind"],
            name(object)
        );
        for port in ports {
            assert!(
                pods.iter().any(|pod| pod.contains_key(port)),
                "{} {}: no port {port}",
                object["kind"],
                name(object)
            );
        }
    }
}

/// Asserts that `host:port` is a port of a service.
fn assert_resolves(what: &str, address: &str) {
    let host = address.split(['.', ':']).next().unwrap();
    // A pod of a StatefulSet: its own name, then its service's.
    let host = if host.ends_with("-0") {
        address.split(['.', ':']).nth(1).unwrap()
    } else {
        host
    };
    let service = find("Service", host);
    let numbers: Vec<_> = list(&service["spec"]["ports"])
        .filter_map(|port| port["port"].as_u64())
        .collect();
    assert!(
        numbers.contains(&port(address).into()),
        "{what}: {address} is none of {numbers:?}"
    );
}

#[test]
fn addresses_resolve_to_services() {
    let (settings, base): (_, Environment) =
        (settings(), assignments(&read("k8s/base/settings.env")).collect());
    for peer in ["AUTH", "STREAM", "VOD", "CHAT", "NOTIFICATION"] {
        let variable = format!("AIRWAVE_{peer}_URL");
        assert_resolves(&variable, settings[&variable].strip_prefix("http://").unwrap());
    }
    for settings in [&settings, &base] {
        let node = settings["AIRWAVE_STREAM_MEDIA_NODES"]
            .split(['=', '|'])
            .nth(1)
            .unwrap();
        assert_resolves("the media node", node.strip_prefix("http://").unwrap());
    }
    for (kind, owner, variables) in [
        (
            "Deployment",
            "edge",
            &["GATEWAY_REST", "GATEWAY_SOCKETS", "MEDIA_NODE"][..],
        ),
        ("StatefulSet", "media", &["STREAM_HOOKS"]),
    ] {
        let container = find(kind, owner)["spec"]["template"]["spec"]["containers"][0].clone();
        let own = Container {
            owner: owner.to_owned(),
            yaml: container,
        }
        .own();
        for variable in variables {
            assert_resolves(variable, &own[*variable]);
        }
    }
}
