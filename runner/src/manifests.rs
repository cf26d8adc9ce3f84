//! The manifests that users have: YAML or JSON, several documents, folders, standard input.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{kinds, yaml};

/// A Kubernetes object, and where it is from.
#[derive(Debug, Clone)]
pub struct Object {
    /// The file, `-` for standard input.
    pub file: String,
    /// The number of its document there, from 1.
    pub document: usize,
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
    /// What could not be read: with file, line and column.
    pub broken: Vec<String>,
    /// What was read, and is likely not what was meant.
    pub doubts: Vec<String>,
    /// The folders that were read, by their real paths: a link to one above would not end.
    folders: BTreeSet<PathBuf>,
}

/// Reads files, folders (with their folders), and `-` for standard input. What can't be read is noted, and the rest is read.
#[must_use]
pub fn read(paths: &[PathBuf]) -> Manifests {
    let mut manifests = Manifests::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            match std::io::stdin().read_to_end(&mut bytes) {
                Ok(_) => manifests.add_bytes("-", &bytes),
                Err(error) => manifests.broken.push(format!("standard input: {error}")),
            }
        } else if path.is_dir() {
            manifests.add_folder(path);
        } else {
            manifests.add_file(path);
        }
    }
    manifests.same_accounts();
    manifests
}

/// The endings of files that are looked into in a folder.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

impl Manifests {
    fn add_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match std::fs::metadata(path) {
            // A pipe that was named is read, as `<(helm template …)` is one.
            Ok(_) => match std::fs::read(path) {
                Ok(bytes) => self.add_bytes(&name, &bytes),
                Err(error) => self.broken.push(format!("{name}: {error}")),
            },
            Err(error) => self.broken.push(format!("{name}: {error}")),
        }
    }

    fn add_folder(&mut self, path: &Path) {
        let name = path.display();
        let Ok(real) = path.canonicalize() else { return self.broken.push(format!("{name}: can't be read")) };
        if !self.folders.insert(real) {
            return;
        }
        let mut entries: Vec<PathBuf> = match std::fs::read_dir(path) {
            Ok(entries) => entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect(),
            Err(error) => return self.broken.push(format!("{name}: {error}")),
        };
        entries.sort();
        for entry in entries {
            let hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            let manifest =
                entry.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
            match std::fs::metadata(&entry) {
                _ if hidden => {}
                Ok(metadata) if metadata.is_dir() => self.add_folder(&entry),
                Ok(metadata) if metadata.is_file() && manifest => self.add_file(&entry),
                Ok(_) if manifest => {
                    self.passed_over.push(format!("{}: not a regular file", entry.display()));
                }
                Err(_) if manifest => self.passed_over.push(format!("{}: leads nowhere", entry.display())),
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn add_bytes(&mut self, file: &str, bytes: &[u8]) {
        match yaml::decode(bytes) {
            Ok(text) => self.add(file, &text),
            Err(problem) => self.broken.push(format!("{file}: {problem}")),
        }
    }

    /// Adds the documents of a file's text.
    pub fn add(&mut self, file: &str, text: &str) {
        for yaml::Document { number, content, duplicates } in yaml::documents(text) {
            for (line, name) in duplicates {
                self.doubts.push(format!("{file}: line {line}: {name} is there twice, the last one counts"));
            }
            match content {
                Ok(value) => self.add_document(file, number, value),
                Err(error) => {
                    let fix = if text.contains("{{") {
                        " (a template: render it first, with helm template)"
                    } else {
                        ""
                    };
                    self.broken.push(format!("{file}: {error}{fix}"));
                }
            }
        }
    }

    /// Notes `ServiceAccounts` that are there twice with different content: overlays of several environments, say.
    fn same_accounts(&mut self) {
        let mut seen: BTreeMap<(String, String), &Object> = BTreeMap::new();
        let accounts = self.objects.iter().filter(|object| kind(&object.value) == "ServiceAccount");
        for account in accounts {
            let key = (namespace_of(&account.value, "").to_owned(), name_of(&account.value).to_owned());
            if let Some(before) = seen.get(&key)
                && before.value != account.value
            {
                self.doubts.push(format!(
                    "{}: ServiceAccount {}/{} is there twice with different content, in {} (document {}) and {} (document {}), and the last one counts",
                    account.file, key.0, key.1, before.file, before.document, account.file, account.document
                ));
            }
            seen.insert(key, account);
        }
    }

    fn add_document(&mut self, file: &str, number: usize, value: Value) {
        if value.is_null() {
            return;
        }
        let is_object = value.get("kind").is_some_and(Value::is_string)
            && value.get("apiVersion").is_some_and(Value::is_string);
        if !is_object {
            self.passed_over.push(format!(
                "{file}: document {number} is not a Kubernetes object (it has no apiVersion and kind)"
            ));
            return;
        }
        match value.get("items") {
            Some(Value::Array(items)) => {
                for item in items {
                    self.add_document(file, number, item.clone());
                }
            }
            _ => self.objects.push(Object { file: file.to_owned(), document: number, value }),
        }
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
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    namespace.filter(|namespace| !namespace.is_empty()).unwrap_or(default)
}

/// The object's label `azure.workload.identity/use`.
#[must_use]
pub fn use_label(object: &Value) -> Option<&str> {
    object.pointer("/metadata/labels/azure.workload.identity~1use").and_then(Value::as_str)
}

/// Whether the policy judges objects of this kind.
#[must_use]
pub fn is_judged(object: &Value) -> bool {
    kinds::judged().any(|(known, _)| known == kind(object))
}

/// The kind of an API server's request, which is judged unchanged: an update or a debug container, which no manifest can express.
const REVIEW: &str = "AdmissionReview";

/// Where the pod templates of an object are.
#[derive(Debug, Clone, PartialEq)]
pub enum Templates {
    /// A workload that the policy judges: its pod.
    Workload(Value),
    /// A kind that the policy does not know, with pod templates in it: their pods, by their paths.
    Unknown(Vec<(String, Value)>),
    /// A workload without containers in its template: part of a kustomization, say.
    Patch,
    /// None.
    Nothing,
}

/// The pods that `object` would make, as its controller would create them.
#[must_use]
pub fn templates(object: &Value) -> Templates {
    if ["Pod", "ServiceAccount", REVIEW].contains(&kind(object)) {
        return Templates::Nothing;
    }
    let path = if kind(object) == "CronJob" { "/spec/jobTemplate/spec/template" } else { "/spec/template" };
    if is_judged(object) {
        return match object.pointer(path) {
            Some(template) if has_containers(template) => {
                pod(object, template).map_or(Templates::Nothing, Templates::Workload)
            }
            Some(_) | None => Templates::Patch,
        };
    }
    let mut found = Vec::new();
    search(object, String::new(), &mut found);
    let pods = found.into_iter().filter_map(|(path, template)| Some((path, pod(object, template)?)));
    let pods: Vec<(String, Value)> = pods.collect();
    if pods.is_empty() { Templates::Nothing } else { Templates::Unknown(pods) }
}

fn has_containers(template: &Value) -> bool {
    template.pointer("/spec/containers").is_some_and(Value::is_array)
}

/// Every object below `value` that looks like a pod template.
fn search<'v>(value: &'v Value, path: String, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(_) if has_containers(value) && !path.is_empty() => found.push((path, value)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                search(value, path, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                search(value, format!("{path}[{index}]"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn pod(object: &Value, template: &Value) -> Option<Value> {
    let mut pod = template.as_object()?.clone();
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

/// The request that an API server sends when `object` is created, or the one that an `AdmissionReview` holds; `None` where the policy does
/// not look at its kind.
///
/// # Errors
/// An object without metadata, or an `AdmissionReview` without an object.
pub fn request(object: &Value, default_namespace: &str) -> Result<Option<Value>> {
    let kind = kind(object);
    if kind == REVIEW {
        return match object.get("request") {
            Some(request) if request.get("object").is_some_and(Value::is_object) => Ok(Some(request.clone())),
            Some(_) | None => bail!("an {REVIEW} has no request.object"),
        };
    }
    let Some((_, resource)) = kinds::judged().find(|(known, _)| *known == kind) else {
        // An API server does not know `kind: pod`.
        if let Some((meant, _)) = kinds::judged().find(|(known, _)| known.eq_ignore_ascii_case(kind)) {
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
        "userInfo": {"username": "azwi-policy"},
        "object": object,
        "dryRun": true,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    })))
}
