//! `k8s/`: the manifests, with the settings and example secrets of the development overlay. `deploy/check`
//! builds them with kustomize and validates the result.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stack::Service;

use crate::programs::{Program, known};
use crate::trial::{Environment, accepts, rejects_in_production};
use crate::{assert_same, assignments, checkout, compose, images, port, read};

const BASE: &str = "k8s/base";
const DEV: &str = "k8s/overlays/dev";

/// Returns the objects of a folder's resources.
fn objects(folder: &str) -> Vec<Value> {
    let list = kustomization(folder)["resources"].as_array().unwrap().clone();
    let files = list
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| name.ends_with(".yaml"));
    files
        .flat_map(|name| documents(&format!("{folder}/{name}")))
        .collect()
}

fn kustomization(folder: &str) -> Value {
    documents(&format!("{folder}/kustomization.yaml")).remove(0)
}

fn documents(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn find(kind: &str, wanted: &str) -> Value {
    let found = objects(BASE)
        .into_iter()
        .find(|object| object["kind"] == kind && name(object) == wanted);
    found.unwrap_or_else(|| panic!("unknown {kind} {wanted}"))
}

/// A container with one of our programs, and the object that owns it.
struct Container {
    owner: String,
    yaml: Value,
}

fn programs() -> Vec<Container> {
    let mut containers = Vec::new();
    for object in objects(BASE) {
        let spec = &object["spec"]["template"]["spec"];
        for list in ["containers", "initContainers"] {
            for yaml in spec[list].as_array().into_iter().flatten() {
                let ours = yaml["image"] == "airwave-services" || yaml["name"] == "migrate";
                if ours {
                    containers.push(Container {
                        owner: name(&object).to_owned(),
                        yaml: yaml.clone(),
                    });
                }
            }
        }
    }
    containers
}

/// Returns the ConfigMap `settings`: the base merged with the development overlay.
fn settings() -> Environment {
    let mut settings: Environment = assignments(&read("k8s/base/settings.env")).collect();
    settings.extend(assignments(&read("k8s/overlays/dev/settings.env")));
    settings
}

impl Container {
    fn command(&self) -> Vec<String> {
        let words = self.yaml["command"].as_array().unwrap();
        words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::new();
        for source in self.yaml["envFrom"].as_array().into_iter().flatten() {
            if let Some(secret) = source["secretRef"]["name"].as_str() {
                environment.extend(assignments(&read(&format!("{DEV}/secrets/{secret}.env"))));
            } else {
                assert_eq!(source["configMapRef"]["name"], "settings", "{source}");
                environment.extend(settings());
            }
        }
        environment.extend(self.own());
        environment
    }

    /// Returns the container's own variables.
    fn own(&self) -> Environment {
        let list = self.yaml["env"].as_array().into_iter().flatten();
        list.map(|variable| {
            let value = match variable["value"].as_str() {
                Some(value) => value.to_owned(),
                None => "media-0".to_owned(),
            };
            (variable["name"].as_str().unwrap().to_owned(), value)
        })
        .collect()
    }
}

#[test]
fn every_service_runs_and_migrates() {
    let commands: BTreeSet<_> = programs()
        .iter()
        .map(|container| container.command().join(" "))
        .collect();
    let mut expected: BTreeSet<_> = Service::ALL
        .iter()
        .map(|service| format!("{} serve", service.name()))
        .collect();
    expected.insert("vod work".to_owned());
    let migrated = Service::ALL
        .iter()
        .filter(|service| **service != Service::Gateway);
    expected.extend(migrated.map(|service| format!("{} migrate", service.name())));
    assert_same("the manifests and the programs", &commands, &expected);
}

#[test]
fn programs_get_their_settings_and_accept_them() {
    let known = known();
    for container in programs() {
        let (command, environment) = (container.command(), container.environment());
        let program = Program::of(&command);
        let given: BTreeSet<_> = environment.keys().cloned().collect();
        let missing: Vec<_> = program.required().difference(&given).cloned().collect();
        assert!(missing.is_empty(), "{command:?} needs {missing:?}");
        let unknown: Vec<_> = given.difference(&known).collect();
        assert!(
            unknown.is_empty(),
            "{command:?} is given {unknown:?}, which nobody knows"
        );
        let own: BTreeSet<_> = container.own().into_keys().collect();
        assert!(
            own.is_subset(&program.names()),
            "{command:?} does not know all of {own:?}"
        );
        if command[1] != "migrate" {
            accepts(&command, &environment);
            rejects_in_production(&command, &environment);
        }
    }
}

/// Every secret is used, and each program gets only secrets that it uses.
#[test]
fn secrets_go_to_programs_that_use_them() {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for container in programs() {
        let names = Program::of(&container.command()).names();
        for source in container.yaml["envFrom"].as_array().into_iter().flatten() {
            let Some(secret) = source["secretRef"]["name"].as_str() else {
                continue;
            };
            told.entry(secret.to_owned()).or_default().extend(names.clone());
        }
    }
    let generators = kustomization(DEV)["secretGenerator"].as_array().unwrap().clone();
    for secret in generators
        .iter()
        .filter_map(|secret| secret["name"].as_str())
        .filter(|name| *name != "servers")
    {
        let holds: BTreeSet<_> = assignments(&read(&format!("{DEV}/secrets/{secret}.env")))
            .map(|(name, _)| name)
            .collect();
        let known = told
            .get(secret)
            .unwrap_or_else(|| panic!("unused secret {secret}"));
        assert!(holds.is_subset(known), "{secret}: {holds:?}");
    }
}

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

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
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

/// A file that no kustomization lists would be ignored.
#[test]
fn every_file_is_listed() {
    for folder in [BASE, DEV] {
        let listed = kustomization(folder);
        let mut files: BTreeSet<String> = BTreeSet::from(["kustomization.yaml".to_owned()]);
        let generators = list(&listed["configMapGenerator"]).chain(list(&listed["secretGenerator"]));
        let generated = generators.flat_map(|generator| list(&generator["envs"]));
        let patches = list(&listed["patches"]).map(|patch| &patch["path"]);
        let all = list(&listed["resources"])
            .chain(generated)
            .chain(patches)
            .filter_map(Value::as_str);
        files.extend(all.filter(|name| !name.starts_with("..")).map(str::to_owned));
        assert_same(folder, &files, &below(folder, ""));
    }
}

fn below(folder: &str, inner: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(checkout().join(folder).join(inner)).unwrap();
    let mut files = BTreeSet::new();
    for entry in entries.map(Result::unwrap) {
        let name = format!("{inner}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.extend(below(folder, &format!("{name}/")));
        } else {
            files.insert(name);
        }
    }
    files
}

#[test]
fn images_and_users_match_the_compose_file() {
    let of_compose: BTreeSet<String> = compose::containers()
        .iter()
        .map(|container| container.yaml["image"].as_str().unwrap().to_owned())
        .collect();
    let pods = [objects(BASE), objects(DEV)].concat();
    let of_manifests: BTreeSet<String> = pods
        .iter()
        .flat_map(|object| {
            list(&object["spec"]["template"]["spec"]["containers"])
                .cloned()
                .collect::<Vec<_>>()
        })
        .map(|container| container["image"].as_str().unwrap().to_owned())
        .collect();
    assert_same(
        "the images of docker-compose.yml and of k8s/",
        &of_compose,
        &of_manifests,
    );
    let dockerfile = read("deploy/Dockerfile");
    for patch in ["service", "nginx"] {
        let patch = &documents(&format!("{BASE}/patches/{patch}.yaml"))[0];
        let user = &patch["spec"]["template"]["spec"]["securityContext"]["runAsUser"];
        assert!(dockerfile.contains(&format!("USER {user}:{user}")), "{user}");
    }
}

/// The overlay's servers use the same passwords as the services.
#[test]
fn passwords_of_servers_and_services_match() {
    let secret =
        |name: &str| -> Environment { assignments(&read(&format!("{DEV}/secrets/{name}.env"))).collect() };
    let servers = secret("servers");
    for (password, secret_of, variable) in [
        ("POSTGRES_AUTH_PASSWORD", "auth", "AIRWAVE_DATABASE_URL"),
        ("POSTGRES_STREAM_PASSWORD", "stream", "AIRWAVE_DATABASE_URL"),
        ("POSTGRES_VOD_PASSWORD", "vod", "AIRWAVE_DATABASE_URL"),
        (
            "POSTGRES_NOTIFICATION_PASSWORD",
            "notification",
            "AIRWAVE_DATABASE_URL",
        ),
        ("REDIS_PASSWORD", "services", "AIRWAVE_REDIS_URL"),
        ("RABBITMQ_PASSWORD", "services", "AIRWAVE_AMQP_URL"),
        ("MONGODB_PASSWORD", "chat", "AIRWAVE_MONGODB_URL"),
    ] {
        let url = &secret(secret_of)[variable];
        assert!(
            url.contains(&format!(":{}@", servers[password])),
            "{variable} of {secret_of}"
        );
    }
}
