//! The manifests that users have: YAML or JSON, several documents, folders, standard input.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::host::{Answers, GetResource, callback_failure};

/// A Kubernetes object, and the file it is from.
#[derive(Debug, Clone)]
pub struct Object {
    /// The file, `-` for standard input.
    pub file: String,
    /// The object.
    pub value: Value,
}

/// What the files hold.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// The objects, in their order; lists are opened.
    pub objects: Vec<Object>,
    /// What was passed over, and why.
    pub passed_over: Vec<String>,
}

/// Reads files, folders (with their folders), and `-` for standard input.
///
/// # Errors
/// A file that can't be read, or is no YAML: with line and column.
pub fn read(paths: &[PathBuf]) -> Result<Manifests> {
    let mut manifests = Manifests::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
            manifests.add("-", &text)?;
        } else {
            manifests.add_path(path)?;
        }
    }
    Ok(manifests)
}

impl Manifests {
    fn add_path(&mut self, path: &Path) -> Result<()> {
        let name = path.display();
        if !path.is_dir() {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
            return self.add(&name.to_string(), &text);
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot read the folder {name}"))?;
        let mut entries =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
        entries.sort();
        for entry in entries {
            let manifest = entry
                .extension()
                .is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known));
            if entry.is_dir() || manifest {
                self.add_path(&entry)?;
            }
        }
        Ok(())
    }

    /// Adds the documents of a file's text.
    ///
    /// # Errors
    /// No YAML: with line and column.
    pub fn add(&mut self, file: &str, text: &str) -> Result<()> {
        for (index, document) in yaml_serde::Deserializer::from_str(text).enumerate() {
            let value = Value::deserialize(document).with_context(|| format!("{file} is no YAML or JSON"))?;
            self.add_document(file, index + 1, value);
        }
        Ok(())
    }

    fn add_document(&mut self, file: &str, number: usize, value: Value) {
        if value.is_null() {
            return;
        }
        let is_object = value.get("kind").is_some_and(Value::is_string)
            && value.get("apiVersion").is_some_and(Value::is_string);
        if !is_object {
            self.passed_over.push(format!(
                "{file}: document {number} is no Kubernetes object (it has no apiVersion and kind)"
            ));
            return;
        }
        match value.get("items") {
            Some(Value::Array(items)) if kind(&value).ends_with("List") => {
                for item in items {
                    self.add_document(file, number, item.clone());
                }
            }
            _ => self.objects.push(Object { file: file.to_owned(), value }),
        }
    }

    /// Answers look-ups with the `ServiceAccounts` among the objects; `default` exists in every namespace.
    #[must_use]
    pub fn cluster(&self, namespace: &str) -> Answers {
        let accounts: BTreeMap<(String, String), Vec<u8>> = self
            .objects
            .iter()
            .filter(|object| kind(&object.value) == "ServiceAccount")
            .map(|object| {
                let key =
                    (namespace_of(&object.value, namespace).to_owned(), name_of(&object.value).to_owned());
                (key, object.value.to_string().into_bytes())
            })
            .collect();
        Arc::new(move |request: &GetResource| {
            let key = (request.namespace.clone().unwrap_or_default(), request.name.clone());
            match accounts.get(&key) {
                Some(account) => Ok(account.clone()),
                None if request.name == "default" => {
                    let metadata = json!({"name": "default", "namespace": request.namespace});
                    Ok(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
                        .to_string()
                        .into_bytes())
                }
                None => Err(callback_failure(&request.not_found())),
            }
        })
    }
}

/// The object's `kind`.
#[must_use]
pub fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.name`, or else `metadata.generateName`.
#[must_use]
pub fn name_of(object: &Value) -> &str {
    let text = |field| object.pointer(field).and_then(Value::as_str);
    text("/metadata/name").or_else(|| text("/metadata/generateName")).unwrap_or_default()
}

/// `metadata.namespace`, or else `default`.
#[must_use]
pub fn namespace_of<'o>(object: &'o Value, default: &'o str) -> &'o str {
    object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or(default)
}

/// The plural by which the API server calls the kinds that the policy looks at.
const RESOURCES: &[(&str, &str)] = &[
    ("Pod", "pods"),
    ("ServiceAccount", "serviceaccounts"),
    ("Deployment", "deployments"),
    ("StatefulSet", "statefulsets"),
    ("DaemonSet", "daemonsets"),
    ("ReplicaSet", "replicasets"),
    ("ReplicationController", "replicationcontrollers"),
    ("Job", "jobs"),
    ("CronJob", "cronjobs"),
];

/// A pod as the controller of the workload `object` would create it; `None` where it is no workload.
#[must_use]
pub fn pod_of(object: &Value) -> Option<Value> {
    let path = if kind(object) == "CronJob" { "/spec/jobTemplate/spec/template" } else { "/spec/template" };
    RESOURCES.iter().find(|(known, _)| *known == kind(object))?;
    let mut pod = object.pointer(path)?.as_object()?.clone();
    let metadata = pod.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    let metadata = metadata.as_object_mut()?;
    metadata.insert("generateName".to_owned(), json!(format!("{}-", name_of(object))));
    if let Some(namespace) = object.pointer("/metadata/namespace") {
        metadata.insert("namespace".to_owned(), namespace.clone());
    }
    pod.insert("apiVersion".to_owned(), json!("v1"));
    pod.insert("kind".to_owned(), json!("Pod"));
    Some(Value::Object(pod))
}

/// Why a pod may be left as it is, for a person who expected otherwise: what its label says, and what the ServiceAccount
/// that was looked up. `None` for other objects.
#[must_use]
pub fn why_untouched(request: &Value, look_ups: &[GetResource], cluster: &Answers) -> Option<String> {
    const LABEL: &str = "/metadata/labels/azure.workload.identity~1use";
    let object = request.get("object").filter(|object| kind(object) == "Pod")?;
    let own = object.pointer(LABEL).and_then(Value::as_str);
    let Some(look_up) = look_ups.first() else {
        return Some(match own {
            Some("false") => "its label azure.workload.identity/use is \"false\"".to_owned(),
            _ => "it has no label azure.workload.identity/use: \"true\", which alone counts here".to_owned(),
        });
    };
    let account =
        format!("ServiceAccount {}/{}", look_up.namespace.as_deref().unwrap_or_default(), look_up.name);
    let Ok(answer) = cluster(look_up) else { return Some(format!("{account} is not among the files")) };
    let answer: Value = serde_json::from_slice(&answer).ok()?;
    match (own, answer.pointer(LABEL).and_then(Value::as_str)) {
        (Some("true"), _) | (_, Some("true")) => Some("it has its identity already".to_owned()),
        _ => Some(format!("neither it nor {account} has the label azure.workload.identity/use: \"true\"")),
    }
}

/// The request that an API server sends when `object` is created; `None` where the policy does not look at its kind.
///
/// # Errors
/// An object without metadata.
pub fn creation(object: &Value, default_namespace: &str) -> Result<Option<Value>> {
    let kind = kind(object);
    let Some((_, resource)) = RESOURCES.iter().find(|(known, _)| *known == kind) else {
        // `kind: pod` is nothing to an API server.
        if let Some((meant, _)) = RESOURCES.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind)) {
            bail!("kind is {kind:?}, did you mean {meant}?");
        }
        return Ok(None);
    };
    let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let namespace = namespace_of(object, default_namespace);
    let mut object = object.clone();
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        bail!("a {kind} has no metadata");
    };
    metadata.insert("namespace".to_owned(), json!(namespace));
    let kind_of_request = json!({"group": group, "version": version, "kind": kind});
    let resource = json!({"group": group, "version": version, "resource": resource});
    Ok(Some(json!({
        "uid": "00000000-0000-0000-0000-000000000000",
        "kind": kind_of_request, "resource": resource,
        "requestKind": kind_of_request, "requestResource": resource,
        "name": object.pointer("/metadata/name"), "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "policy-runner"},
        "object": object,
        "dryRun": true,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    })))
}
