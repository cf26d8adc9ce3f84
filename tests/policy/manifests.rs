//! Manifests and metadata: each field is one of its type, and all files say the same.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{common::file, kinds};
use azure_workload_identity_policy::{SETTINGS, Settings};
use serde::Deserialize;
use serde_json::{Value, json};

fn documents(text: &str) -> Vec<Value> {
    let documents = yaml_serde::Deserializer::from_str(text);
    documents.map(|document| Value::deserialize(document).unwrap()).filter(|value| !value.is_null()).collect()
}

fn yaml(path: &str) -> Value {
    yaml_serde::from_str(&file(path)).unwrap()
}

fn below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let inside = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_owned();
        if path.is_dir() {
            found.extend(below(inside.to_str().unwrap()));
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(inside);
        }
    }
    found
}

#[test]
fn each_manifest_has_only_fields_of_its_type() {
    let mut seen = BTreeSet::new();
    for path in below("deploy").into_iter().chain(below("examples")) {
        let name = path.to_str().unwrap();
        for manifest in documents(&file(name)) {
            match manifest["kind"].as_str() {
                Some("Kustomization") => {}
                Some(kind) => {
                    kinds::check(name, &manifest);
                    seen.insert(kind.to_owned());
                }
                None => assert!(name.ends_with("settings.yaml") || name.ends_with("replay.yaml"), "{name}"),
            }
        }
    }
    let kinds = [
        "ClusterAdmissionPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "Pod",
        "PolicyServer",
        "ServiceAccount",
    ];
    assert_eq!(seen, kinds.map(str::to_owned).into());
}

/// What `kubectl kustomize` makes of the base and the overlays, where `make manifests` could render them.
#[test]
fn each_overlay_renders_to_what_it_says() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/manifests");
    let Ok(entries) = std::fs::read_dir(&target) else { return };
    let mut rendered = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let all = documents(&std::fs::read_to_string(&path).unwrap());
        for manifest in &all {
            kinds::check(&name, manifest);
        }
        let one = |kind: &str| all.iter().filter(|manifest| manifest["kind"] == kind).collect::<Vec<_>>();
        let policy = &one("ClusterAdmissionPolicy")[0]["spec"];
        let subject = &one("ClusterRoleBinding")[0]["subjects"][0]["name"];
        let own_server = name != "default-policy-server";
        assert_eq!(one("PolicyServer").len(), usize::from(own_server), "{name}");
        assert_eq!(one("ServiceAccount").len(), usize::from(own_server), "{name}");
        let server = if own_server { "azure-workload-identity" } else { "default" };
        let account = if own_server { "policy-server-azure-workload-identity" } else { "policy-server" };
        assert_eq!((&policy["policyServer"], subject), (&json!(server), &json!(account)), "{name}");
        assert_eq!(policy["mode"], if name == "monitor" { "monitor" } else { "protect" });
        if name == "webhook-scope" {
            assert_eq!(
                policy["objectSelector"],
                json!({"matchLabels": {"azure.workload.identity/use": "true"}})
            );
            assert_eq!(policy["settings"]["trigger"], "Pod");
            assert_eq!(policy["rules"].as_array().unwrap().len(), 1);
        }
        rendered += 1;
    }
    assert_eq!(rendered, 4);
}

#[test]
fn all_files_say_the_same() {
    let metadata = yaml("metadata.yml");
    let package = yaml("artifacthub-pkg.yml");
    let policy = yaml("deploy/base/policy.yaml");
    let annotation = |name: &str| metadata["annotations"][name].as_str().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(annotation("io.kubewarden.policy.version"), version);
    assert_eq!(package["version"], version);
    let description = annotation("io.kubewarden.policy.description");
    assert_eq!(package["description"], description);
    assert_eq!(
        description.to_lowercase(),
        env!("CARGO_PKG_DESCRIPTION").replace("Kubewarden policy that ", "").to_lowercase()
    );
    assert_eq!(annotation("io.kubewarden.policy.license"), "Apache-2.0");
    let image = format!("{}:v{version}", annotation("io.kubewarden.policy.ociUrl"));
    assert_eq!(image, image.to_lowercase());
    assert_eq!(package["containersImages"][0]["image"], image);
    assert_eq!(policy["spec"]["module"], format!("registry://{image}"));
    assert_eq!(package["name"], annotation("io.kubewarden.policy.title"));
    assert_eq!(policy["metadata"]["name"], annotation("io.kubewarden.policy.title"));
    let keywords = annotation("io.artifacthub.keywords").split(',').map(str::trim).collect::<Vec<_>>();
    assert_eq!(package["keywords"], json!(keywords));
    let embedded = |name: &str| -> Value {
        yaml_serde::from_str(package["annotations"][name].as_str().unwrap()).unwrap()
    };
    assert_eq!(embedded("kubewarden/rules"), metadata["rules"]);
    assert_eq!(policy["spec"]["rules"], metadata["rules"]);
    assert_eq!(embedded("kubewarden/contextAwareResources"), metadata["contextAwareResources"]);
    assert_eq!(policy["spec"]["contextAwareResources"], metadata["contextAwareResources"]);
    assert_eq!(package["annotations"]["kubewarden/questions-ui"], file("questions-ui.yml"));
    assert_eq!(policy["spec"]["mutating"], metadata["mutating"]);
    assert_eq!(policy["spec"]["backgroundAudit"], metadata["backgroundAudit"]);
    let release = yaml(".github/workflows/release.yml");
    assert_eq!(release["jobs"]["release"]["with"]["oci-target"], annotation("io.kubewarden.policy.ociUrl"));
    let readme = file("README.md");
    assert!(readme.contains(&format!("registry://{image}")), "README.md names another module than {image}");
    let root: Vec<_> = file("Cargo.toml")
        .lines()
        .filter(|line| line.starts_with("version = \""))
        .map(str::to_owned)
        .collect();
    assert_eq!(root, [format!("version = \"{version}\"")], "release tooling greps for exactly one such line");
    let owners = yaml("artifacthub-repo.yml")["owners"].clone();
    let author =
        format!("{} <{}>", owners[0]["name"].as_str().unwrap(), owners[0]["email"].as_str().unwrap());
    assert_eq!(author, annotation("io.kubewarden.policy.author"));
}

/// A question's variable, and its default where it has one.
fn questions(list: &Value, prefix: &str, found: &mut Vec<(String, Option<Value>)>) {
    for question in list.as_array().unwrap() {
        let variable = format!("{prefix}{}", question["variable"].as_str().unwrap());
        assert!(question["label"].is_string() && question["type"].is_string(), "{variable}");
        found.push((variable.clone(), question.get("default").cloned()));
        if let Some(list) = question.get("subquestions") {
            questions(list, "", found);
        }
        if let Some(list) = question.get("sequence_questions") {
            questions(list, &format!("{variable}[]."), found);
        }
    }
}

#[test]
fn ranchers_form_covers_every_setting_and_writes_only_what_is_accepted() {
    let form = yaml("questions-ui.yml");
    let mut found = Vec::new();
    questions(&form["questions"], "", &mut found);
    let top: BTreeSet<&str> =
        found.iter().map(|(name, _)| name.as_str()).filter(|name| !name.contains(['.', '['])).collect();
    assert_eq!(top, SETTINGS.iter().copied().collect());
    // What the form writes when nothing is filled in: the defaults, and all of them are the policy's own.
    let mut written = json!({});
    for (name, default) in &found {
        let Some(default) = default else { continue };
        let mut place = &mut written;
        for step in name.split('.') {
            place = &mut place[step];
        }
        *place = default.clone();
    }
    assert_eq!(Settings::parse(&written.to_string()), Settings::parse("{}"), "{written}");
    // Every name in the form is one that the settings take.
    let rows = file("docs/settings.md");
    for (name, _) in &found {
        assert!(rows.contains(&format!("| `{name}` |")), "{name}");
    }
}
