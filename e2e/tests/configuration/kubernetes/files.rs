//! Files, images and passwords agree with each other and with the Compose file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{BASE, DEV, documents, kustomization, list, objects};
use crate::trial::Environment;
use crate::{assert_same, assignments, checkout, compose, read};

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
