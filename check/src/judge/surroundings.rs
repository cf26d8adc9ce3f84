//! What keeps an SDK from the identity, where other objects of the files show it: `ConfigMaps` and Secrets that a container takes its variables
//! from, the namespace, and the token's old path wherever it stands. Names and keys are said, values never.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use serde_json::Value;

use super::Entry;
use crate::{
    kinds::{is_pod, kind, name_of, namespace_of},
    object::Object,
    presented::{account_of, containers, env},
    yaml::{Step, walk},
};

/// The token's path of webhooks up to 1.5, and of the layout Legacy.
pub(super) const OLD_PATH: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

/// The volume of webhooks up to 1.5, and of the layout Legacy.
const OLD_VOLUME: &str = "azure-identity-token";

/// The Pod Security level that a namespace enforces (Kubernetes, "Pod Security Admission").
const ENFORCE: &str = "/metadata/labels/pod-security.kubernetes.io~1enforce";

/// `ConfigMaps`, Secrets and Namespaces among the files, by kind, namespace and name.
#[derive(Debug, Default)]
pub(super) struct Surroundings<'o>(HashMap<(&'o str, &'o str, &'o str), &'o Value>);

impl<'o> Surroundings<'o> {
    pub(super) fn new(objects: &'o [Object], namespace: &'o str) -> Self {
        let of = objects.iter().map(|object| &object.value).filter_map(|value| {
            let key = match kind(value) {
                kind @ ("ConfigMap" | "Secret") => (kind, namespace_of(value, namespace), name_of(value)),
                kind @ "Namespace" => (kind, "", name_of(value)),
                _ => return None,
            };
            Some((key, value))
        });
        Self(of.collect())
    }

    fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&'o Value> {
        self.0.get(&(kind, namespace, name)).copied()
    }
}

/// A variable that a container takes from a ConfigMap or a Secret.
struct From<'c> {
    kind: &'static str,
    name: &'c str,
    key: String,
    /// Where the container says so.
    path: String,
    is_optional: bool,
    /// Whether it is one of many, by `envFrom`: what the container has in `env` counts before it.
    is_one_of_all: bool,
}

impl From<'_> {
    fn words(&self, namespace: &str) -> String {
        let how = if self.is_one_of_all { "envFrom" } else { "valueFrom" };
        format!("by {how} of {} {namespace}/{}, key {}", self.kind, self.name, self.key)
    }

    /// Its value.
    fn value(&self, there: &Surroundings, namespace: &str) -> Key {
        let Some(object) = there.get(self.kind, namespace, self.name) else { return Key::NotGiven };
        value_of(object, &self.key).map_or(Key::Absent, Key::Value)
    }
}

/// What the files say of a key of a ConfigMap or a Secret.
enum Key {
    /// Its object is not among them.
    NotGiven,
    /// The object does not have it.
    Absent,
    /// Its value.
    Value(String),
}

impl Key {
    fn value(self) -> Option<String> {
        match self {
            Self::Value(value) => Some(value),
            Self::NotGiven | Self::Absent => None,
        }
    }
}

/// The value of a key of a ConfigMap or a Secret.
fn value_of(object: &Value, key: &str) -> Option<String> {
    let plain = |field: &str| object.get(field)?.get(key)?.as_str().map(str::to_owned);
    if kind(object) == "ConfigMap" {
        return plain("data");
    }
    plain("stringData").or_else(|| {
        let bytes = STANDARD.decode(plain("data")?.split_whitespace().collect::<String>());
        Some(String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default())
    })
}

/// Where a container takes the variable `name` from, if not from its own text. A later entry counts before an earlier one.
fn from<'c>(container: &'c Value, there: &Surroundings, namespace: &str, name: &str) -> Option<From<'c>> {
    if let Some(own) = env(container, name) {
        let from = own.get("valueFrom")?;
        let (kind, of) = [("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")]
            .into_iter()
            .find_map(|(kind, field)| Some((kind, from.get(field)?)))?;
        let index = container.get("env")?.as_array()?.iter().rposition(|one| std::ptr::eq(one, own))?;
        return Some(From {
            kind,
            name: of.get("name")?.as_str()?,
            key: of.get("key")?.as_str()?.to_owned(),
            path: format!("env[{index}]"),
            is_optional: of.get("optional") == Some(&Value::Bool(true)),
            is_one_of_all: false,
        });
    }
    let all = container.get("envFrom")?.as_array()?;
    all.iter().enumerate().rev().find_map(|(index, one)| {
        let (kind, of) = [("Secret", "secretRef"), ("ConfigMap", "configMapRef")]
            .into_iter()
            .find_map(|(kind, field)| Some((kind, one.get(field)?)))?;
        let key = name.strip_prefix(one.get("prefix").and_then(Value::as_str).unwrap_or_default())?;
        let from = From {
            kind,
            name: of.get("name")?.as_str()?,
            key: key.to_owned(),
            path: format!("envFrom[{index}]"),
            is_optional: false,
            is_one_of_all: true,
        };
        from.value(there, namespace).value().map(|_| from)
    })
}

/// ServiceAccounts without a client ID, all of whose containers take variables from elsewhere, the client ID perhaps among them.
pub(super) fn told_elsewhere(entries: &[Entry]) -> BTreeSet<(String, String)> {
    let mut all: BTreeMap<(String, String), bool> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_pod(&entry.before)) {
        let Some(subject) = entry.audit.get("subject") else { continue };
        let (namespace, name) = account_of(subject);
        let tells = |container: &Value| {
            container.get("envFrom").is_some() || env(container, "AZURE_CLIENT_ID").is_some()
        };
        let is_told = containers(&entry.before).all(tells);
        *all.entry((namespace.to_owned(), name.to_owned())).or_insert(true) &= is_told;
    }
    all.into_iter().filter(|(_, is_told)| *is_told).map(|(account, _)| account).collect()
}

/// What is found in a pod: a warning.
pub(super) struct Stands {
    pub(super) rule: &'static str,
    pub(super) message: String,
    pub(super) fix: &'static str,
    /// Where in the pod.
    pub(super) path: String,
    /// In which of its containers; none where it is about the pod.
    pub(super) container: Option<String>,
}

/// A container of a pod, as it comes and as it comes out.
struct Both<'c> {
    before: &'c Value,
    after: &'c Value,
    name: &'c str,
    /// Where it stands in the pod.
    path: String,
}

impl Both<'_> {
    fn stands(&self, rule: &'static str, message: String, fix: &'static str, part: &str) -> Stands {
        let path = format!("{}.{part}", self.path);
        Stands { rule, message, fix, path, container: Some(self.name.to_owned()) }
    }
}

/// A mount of the volume of webhooks up to 1.5, which the pod does not have: the API server refuses the pod.
fn legacy_mount(container: &Both, pod: &Value) -> Option<Stands> {
    let is_it = |one: &Value| one.get("name").is_some_and(|name| name == OLD_VOLUME);
    let index = container.before.get("volumeMounts")?.as_array()?.iter().position(is_it)?;
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    if volumes.is_some_and(|volumes| volumes.iter().any(is_it)) {
        return None;
    }
    let message =
        format!("mounts volume {OLD_VOLUME}, which webhooks up to 1.5 add and the pod does not have");
    let fix = "remove the mount, or annotate the pod with azure.workload.identity/layout: Legacy";
    Some(container.stands("legacy-mount", message, fix, &format!("volumeMounts[{index}]")))
}

/// A proxy in a namespace that does not take its init container, which is privileged or changes the network's rules as root.
fn refused_proxy(there: &Surroundings, namespace: &str, before: &Value, after: &Value) -> Option<Stands> {
    let has = |pod: &Value| {
        containers(pod).any(|one| one.get("name").is_some_and(|name| name == "azwi-proxy-init"))
    };
    if has(before) || !has(after) {
        return None;
    }
    let level = there.get("Namespace", "", namespace)?.pointer(ENFORCE)?.as_str()?;
    matches!(level, "restricted" | "baseline").then(|| Stands {
        rule: "proxy-refused",
        message: format!(
            "Namespace {namespace} enforces Pod Security {level}, which refuses azwi-proxy-init: it needs more rights than {level} allows, so the pod will not be created"
        ),
        fix: "use an SDK that takes the token, without the proxy, or a namespace that enforces privileged",
        path: "metadata.annotations[\"azure.workload.identity/inject-proxy-sidecar\"]".to_owned(),
        container: None,
    })
}

/// What a container takes from `ConfigMaps` and Secrets.
fn variables(there: &Surroundings, namespace: &str, container: &Both) -> Vec<Stands> {
    let mut found = Vec::new();
    let from = |name: &str| from(container.before, there, namespace, name);
    let stands = |rule, message, from: &From| container.stands(rule, message, "remove the key", &from.path);
    for name in ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"] {
        // What stands in `env` the policy sees.
        let Some(from) = from(name).filter(|from| from.is_one_of_all) else { continue };
        let message =
            format!("has {name} {}, which DefaultAzureCredential tries first", from.words(namespace));
        found.push(stands("credential-wins", message, &from));
    }
    if let Some(from) = from("AZURE_TOKEN_CREDENTIALS") {
        let takes = ["", "prod", "workloadidentitycredential"];
        let value = from.value(there, namespace).value();
        if value.is_some_and(|value| !takes.contains(&value.to_ascii_lowercase().as_str())) {
            let message = format!(
                "sets AZURE_TOKEN_CREDENTIALS to a value without workload identity {}",
                from.words(namespace)
            );
            found.push(stands("credential-left-out", message, &from));
        }
    }
    for name in ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"] {
        let Some(from) = from(name).filter(|from| from.is_one_of_all) else { continue };
        let injected = env(container.after, name).and_then(|env| env.get("value")?.as_str());
        let value = from.value(there, namespace).value();
        if injected.is_some_and(|injected| value.as_deref().is_some_and(|value| value != injected)) {
            let message = format!(
                "takes another {name} {}, which has no effect: the identity's is in env, and counts",
                from.words(namespace)
            );
            found.push(stands("own-value", message, &from));
        }
    }
    found
}

/// The containers of one list.
fn listed<'p>(pod: &'p Value, list: &str) -> &'p [Value] {
    pod.get("spec").and_then(|spec| spec.get(list)?.as_array()).map_or(&[], Vec::as_slice)
}

/// What stands around a pod that gets its identity, or has it.
pub(super) fn around(there: &Surroundings, namespace: &str, before: &Value, after: &Value) -> Vec<Stands> {
    let mut found: Vec<Stands> = refused_proxy(there, namespace, before, after).into_iter().collect();
    for list in ["initContainers", "containers"] {
        let outgoing = listed(after, list);
        for (index, container) in listed(before, list).iter().enumerate() {
            // By its name in what comes out: a proxy may stand before it.
            let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
            let same = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
            let after_it = outgoing.iter().find(same);
            let after_it = after_it.filter(|one| env(one, "AZURE_FEDERATED_TOKEN_FILE").is_some());
            let Some(after_it) = after_it else { continue };
            let path = format!("spec.{list}[{index}]");
            let both = Both { before: container, after: after_it, name, path };
            found.extend(variables(there, namespace, &both));
            found.extend(legacy_mount(&both, after));
        }
    }
    found
}

/// What the files say of a credential in a container's variable.
pub(super) enum Credential {
    /// Nothing: it is not optional.
    Certain,
    /// It is there.
    There,
    /// It is not.
    Absent,
    /// It is there if this object has this key.
    If(String),
}

/// Whether a credential that the policy saw in a variable of this container is there.
pub(super) fn credential(
    there: &Surroundings,
    namespace: &str,
    container: &Value,
    variable: &str,
) -> Credential {
    let from = from(container, there, namespace, variable).filter(|from| from.is_optional);
    let Some(from) = from else { return Credential::Certain };
    match from.value(there, namespace) {
        Key::Value(_) => Credential::There,
        Key::Absent => Credential::Absent,
        Key::NotGiven => {
            Credential::If(format!("{} {namespace}/{} has the key {}", from.kind, from.name, from.key))
        }
    }
}

/// Whether a pod mounts something where webhooks up to 1.5 have the token, or above.
pub(super) fn has_old_path(pod: &Value) -> bool {
    let mounts = containers(pod).filter_map(|one| one.get("volumeMounts")?.as_array()).flatten();
    let mut paths = mounts.filter_map(|mount| mount.get("mountPath")?.as_str());
    paths
        .any(|path| OLD_PATH.starts_with(path.trim_end_matches('/')) && path.len() > "/var/run/secrets".len())
}

/// Where the token's old path stands in an object.
pub(super) fn old_paths(object: &Value) -> Vec<Vec<Step>> {
    let mut places = Vec::new();
    walk(object, &mut Vec::new(), &mut |path, value| {
        if value.as_str().is_some_and(|text| text.contains(OLD_PATH)) {
            places.push(path.to_vec());
        }
        true
    });
    places
}
