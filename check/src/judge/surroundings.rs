//! What keeps an SDK from the identity, where other objects of the files show it: `ConfigMaps` and Secrets that a container takes its variables
//! from, the namespace, and the token's old path wherever it stands. Names and keys are said, values never.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use serde_json::Value;

use super::{Entry, Outcome, finishing::Finishing, placed::origin};
use crate::{
    finding::{Finding, Severity},
    kinds::{is_account, is_pod, kind, name_of, namespace_of},
    object::Object,
    policy,
    presented::{account_of, containers, env},
    question::Question,
    yaml::{Step, steps, walk},
};

/// The token's path of webhooks up to 1.5, and of the layout Legacy.
const OLD_PATH: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

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

/// A mount of the volume of webhooks up to 1.5, which the pod does not have: the API server refuses the pod.
fn legacy_mount(container: &Value, pod: &Value) -> Option<(&'static str, String, &'static str, String)> {
    let is_it = |one: &Value| one.get("name").is_some_and(|name| name == OLD_VOLUME);
    let index = container.get("volumeMounts")?.as_array()?.iter().position(is_it)?;
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    if volumes.is_some_and(|volumes| volumes.iter().any(is_it)) {
        return None;
    }
    let message =
        format!("mounts volume {OLD_VOLUME}, which webhooks up to 1.5 add and the pod does not have");
    Some((
        "legacy-mount",
        message,
        "remove the mount, or annotate the pod with azure.workload.identity/layout: Legacy",
        format!("volumeMounts[{index}]"),
    ))
}

/// A pod that gets its identity, or has it.
pub(super) struct Equipped<'e> {
    pub(super) question: &'e Question,
    pub(super) object: &'e Object,
    pub(super) own: &'e policy::Object,
    pub(super) before: &'e Value,
    pub(super) after: &'e Value,
}

impl Finishing<'_> {
    /// What stands around a pod that gets its identity, or has it.
    pub(super) fn around(&self, pod: &Equipped) -> Vec<Finding> {
        let namespace = pod.question.asked.namespace.as_deref().unwrap_or_default();
        let mut found: Vec<Finding> = self.refused_proxy(pod, namespace).into_iter().collect();
        for list in ["initContainers", "containers"] {
            let path = format!("/spec/{list}");
            let containers = pod.before.pointer(&path).and_then(Value::as_array).into_iter().flatten();
            for (index, container) in containers.enumerate() {
                // By its name in what comes out: a proxy may stand before it.
                let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
                let after = pod.after.pointer(&path).and_then(Value::as_array).into_iter().flatten();
                let Some(after) =
                    after.into_iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name))
                else {
                    continue;
                };
                if env(after, "AZURE_FEDERATED_TOKEN_FILE").is_none() {
                    continue;
                }
                let at = format!("spec.{list}[{index}]");
                let variables = self.variables(container, after, namespace);
                for (rule, message, fix, part) in
                    variables.into_iter().chain(legacy_mount(container, pod.after))
                {
                    let path = origin(pod.question, &steps(&format!("{at}.{part}"))).unwrap_or_default();
                    let mut finding =
                        pod.object.finding(&self.options.namespace, Severity::Warning, rule, &path, message);
                    finding.object = pod.own.clone();
                    finding.container = Some(name.to_owned());
                    finding.fix = Some(fix.to_owned());
                    found.push(finding);
                }
            }
        }
        found
    }

    /// What a container takes from `ConfigMaps` and Secrets: rule, sentence, fix, and where the container says so.
    fn variables(
        &self,
        container: &Value,
        after: &Value,
        namespace: &str,
    ) -> Vec<(&'static str, String, &'static str, String)> {
        let mut found = Vec::new();
        let from = |name: &str| from(container, &self.surroundings, namespace, name);
        for name in ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"] {
            // What stands in `env` the policy sees.
            let Some(from) = from(name).filter(|from| from.is_one_of_all) else { continue };
            let message =
                format!("has {name} {}, which DefaultAzureCredential tries first", from.words(namespace));
            found.push(("credential-wins", message, "remove the key", from.path));
        }
        if let Some(from) = from("AZURE_TOKEN_CREDENTIALS") {
            let takes = ["", "prod", "workloadidentitycredential"];
            let value = from.value(&self.surroundings, namespace).value();
            if value.is_some_and(|value| !takes.contains(&value.to_ascii_lowercase().as_str())) {
                let message = format!(
                    "sets AZURE_TOKEN_CREDENTIALS to a value without workload identity {}",
                    from.words(namespace)
                );
                found.push(("credential-left-out", message, "remove the key", from.path));
            }
        }
        for name in
            ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"]
        {
            let Some(from) = from(name).filter(|from| from.is_one_of_all) else { continue };
            let injected = env(after, name).and_then(|env| env.get("value")?.as_str());
            let value = from.value(&self.surroundings, namespace).value();
            if injected.is_some_and(|injected| value.as_deref().is_some_and(|value| value != injected)) {
                let message = format!(
                    "takes another {name} {}, which has no effect: the identity's is in env, and counts",
                    from.words(namespace)
                );
                found.push(("own-value", message, "remove the key", from.path));
            }
        }
        found
    }

    /// The policy's finding that a credential is there, where that is conditional: nothing of it where the files show that it is not.
    pub(super) fn conditional(&self, finding: &mut Finding, pod: &Value, namespace: &str) -> bool {
        if finding.rule != "credential-wins" {
            return true;
        }
        let name = finding.container.as_deref();
        let mut all = containers(pod);
        let Some(container) = all.find(|one| one.get("name").and_then(Value::as_str) == name) else {
            return true;
        };
        let Some(variable) = ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"]
            .into_iter()
            .find(|name| finding.message.contains(name))
        else {
            return true;
        };
        let Some(from) =
            from(container, &self.surroundings, namespace, variable).filter(|from| from.is_optional)
        else {
            return true;
        };
        let said = format!("has optional {variable}, which");
        match from.value(&self.surroundings, namespace) {
            Key::Value(_) => {
                finding.message = finding.message.replace(&said, &format!("has {variable}, which"));
                true
            }
            Key::Absent => false,
            Key::NotGiven => {
                let condition = format!(
                    "has {variable} if {} {namespace}/{} has the key {}, which",
                    from.kind, from.name, from.key
                );
                finding.message = finding.message.replace(&said, &condition);
                true
            }
        }
    }

    /// A proxy in a namespace that does not take its init container, which is privileged or changes the network's rules as root.
    fn refused_proxy(&self, pod: &Equipped, namespace: &str) -> Option<Finding> {
        let has = |pod: &Value| {
            containers(pod).any(|one| one.get("name").is_some_and(|name| name == "azwi-proxy-init"))
        };
        if has(pod.before) || !has(pod.after) {
            return None;
        }
        let level = self.surroundings.get("Namespace", "", namespace)?.pointer(ENFORCE)?.as_str()?;
        if !matches!(level, "restricted" | "baseline") {
            return None;
        }
        let path = steps("metadata.annotations[\"azure.workload.identity/inject-proxy-sidecar\"]");
        let path = origin(pod.question, &path).unwrap_or_default();
        let message = format!(
            "Namespace {namespace} enforces Pod Security {level}, which refuses azwi-proxy-init: it needs more rights than {level} allows, so the pod will not be created"
        );
        let mut finding =
            pod.object.finding(&self.options.namespace, Severity::Warning, "proxy-refused", &path, message);
        finding.object = pod.own.clone();
        finding.fix = Some(
            "use an SDK that takes the token, without the proxy, or a namespace that enforces privileged"
                .to_owned(),
        );
        Some(finding)
    }

    /// The token's old path in objects that are no pods: `ConfigMaps`, and the fields of custom resources.
    pub(super) fn old_paths(&mut self) {
        let layout = self.settings.get("layout").and_then(Value::as_str);
        let has_pod: BTreeSet<usize> =
            self.entries.iter().filter(|entry| is_pod(&entry.before)).map(|entry| entry.object).collect();
        // A pod that brings its own token there has it.
        let has_own = |entry: &Entry| {
            let mounts =
                containers(&entry.after).filter_map(|one| one.get("volumeMounts")?.as_array()).flatten();
            let mut paths = mounts.filter_map(|mount| mount.get("mountPath")?.as_str());
            paths.any(|path| {
                OLD_PATH.starts_with(path.trim_end_matches('/')) && path.len() > "/var/run/secrets".len()
            })
        };
        let is_there = layout == Some("Legacy") || self.entries.iter().any(has_own);
        let is_any =
            self.entries.iter().any(|entry| is_pod(&entry.before) && entry.outcome == Outcome::Identity);
        if is_there || !is_any {
            return;
        }
        for (index, object) in self.objects.iter().enumerate() {
            if has_pod.contains(&index) || is_account(&object.value) {
                continue;
            }
            let mut places: Vec<Vec<Step>> = Vec::new();
            walk(&object.value, &mut Vec::new(), &mut |path, value| {
                if value.as_str().is_some_and(|text| text.contains(OLD_PATH)) {
                    places.push(path.to_vec());
                }
                true
            });
            for path in places {
                let message = format!(
                    "names the token's path of webhooks up to 1.5, {OLD_PATH}: with layout {} no pod has it",
                    layout.unwrap_or("PerPod")
                );
                let mut finding = object.finding(
                    &self.options.namespace,
                    Severity::Warning,
                    "old-token-path",
                    &path,
                    message,
                );
                finding.fix = Some("leave it out, if the program then reads AZURE_FEDERATED_TOKEN_FILE, or annotate its pods with azure.workload.identity/layout: Legacy".to_owned());
                self.findings.push(finding);
            }
        }
    }
}
