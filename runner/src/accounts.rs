//! Where `check` finds ServiceAccounts: among the files, in the cluster of the kubeconfig at hand, or assumed.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::{
    host::{Answers, GetResource, callback_failure},
    manifests::{Object, kind, name_of, namespace_of},
};

/// What answers for a ServiceAccount that is not among the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nothing: it does not exist.
    Nothing,
    /// One with the label and this client ID.
    Assumed(String),
    /// The cluster, through `kubectl get`.
    Cluster,
}

/// What a look-up was answered, by the namespace and the name that it asked for.
type Asked = BTreeMap<(String, String), Result<Vec<u8>, String>>;

/// The `ServiceAccounts` that pods can name.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// By namespace and name.
    found: BTreeMap<(String, String), Vec<u8>>,
    elsewhere: Elsewhere,
    /// What the cluster has answered already.
    asked: Arc<Mutex<Asked>>,
}

impl Accounts {
    /// Those among `objects`, of which `namespace` is the namespace where they name none, and those `elsewhere`.
    #[must_use]
    pub fn new(objects: &[Object], namespace: &str, elsewhere: Elsewhere) -> Self {
        let accounts = objects.iter().filter(|object| kind(&object.value) == "ServiceAccount");
        let found = accounts.map(|object| {
            let key = (namespace_of(&object.value, namespace).to_owned(), name_of(&object.value).to_owned());
            (key, object.value.to_string().into_bytes())
        });
        Self { found: found.collect(), elsewhere, asked: Arc::default() }
    }

    /// Answers look-ups with them.
    #[must_use]
    pub fn answers(&self) -> Answers {
        let accounts = self.clone();
        Arc::new(move |request: &GetResource| accounts.answer(request))
    }

    fn answer(&self, request: &GetResource) -> Result<Vec<u8>, String> {
        let key = key(request);
        if let Some(account) = self.found.get(&key) {
            return Ok(account.clone());
        }
        match &self.elsewhere {
            Elsewhere::Cluster => {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                asked.entry(key).or_insert_with(|| ask_kubectl(request)).clone()
            }
            // It exists in every namespace.
            Elsewhere::Nothing | Elsewhere::Assumed(_) if request.name == "default" => {
                Ok(account(request, None))
            }
            Elsewhere::Nothing => Err(callback_failure(&request.not_found())),
            Elsewhere::Assumed(client_id) => Ok(account(request, Some(client_id))),
        }
    }

    /// Where the requested ServiceAccount was looked for. `None` if it was found.
    #[must_use]
    pub fn not_found(&self, request: &GetResource) -> Option<String> {
        let key = key(request);
        if self.answer(request).is_ok() {
            return None;
        }
        let place = match self.elsewhere {
            Elsewhere::Cluster => "neither among the files nor in the cluster",
            Elsewhere::Nothing | Elsewhere::Assumed(_) => "not among the files",
        };
        let others: Vec<&str> = self
            .found
            .keys()
            .filter(|(namespace, name)| *name == key.1 && *namespace != key.0)
            .map(|(namespace, _)| namespace.as_str())
            .take(3)
            .collect();
        let other = match &others[..] {
            [] => String::new(),
            namespaces => format!("; there is one of that name in namespace {}", namespaces.join(", ")),
        };
        Some(format!("ServiceAccount {}/{} is {place}{other}", key.0, key.1))
    }
}

fn key(request: &GetResource) -> (String, String) {
    (request.namespace.clone().unwrap_or_default(), request.name.clone())
}

/// A ServiceAccount of this name; with the label and a client ID where there is one.
fn account(request: &GetResource, client_id: Option<&String>) -> Vec<u8> {
    let GetResource { name, namespace, .. } = request;
    let metadata = match client_id {
        Some(client_id) => json!({"name": name, "namespace": namespace,
            "labels": {"azure.workload.identity/use": "true"},
            "annotations": {"azure.workload.identity/client-id": client_id}}),
        None => json!({"name": name, "namespace": namespace}),
    };
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}).to_string().into_bytes()
}

/// What the API server of the kubeconfig at hand says.
fn ask_kubectl(request: &GetResource) -> Result<Vec<u8>, String> {
    let namespace = request.namespace.as_deref().unwrap_or_default();
    // Nothing from a manifest is taken for an option.
    let namespace = format!("--namespace={namespace}");
    let command = ["get", "serviceaccount", namespace.as_str(), "--output=json", "--", request.name.as_str()];
    let output = Command::new("kubectl").args(command).output();
    let output = output.map_err(|error| callback_failure(&format!("kubectl: {error}")))?;
    if output.status.success() && serde_json::from_slice::<Value>(&output.stdout).is_ok() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    if text.contains("(NotFound)") {
        return Err(callback_failure(&request.not_found()));
    }
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no answer");
    Err(callback_failure(&format!("kubectl: {line}")))
}
