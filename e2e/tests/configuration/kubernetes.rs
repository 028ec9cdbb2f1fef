//! `k8s/`: the manifests, with the settings and example secrets of the development overlay. `deploy/check`
//! builds them with kustomize and validates the result.

mod files;
mod ports;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stack::Service;

use crate::programs::{Program, known};
use crate::trial::{Environment, accepts, rejects_in_production};
use crate::{assert_same, assignments, read};

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

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
