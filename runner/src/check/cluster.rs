//! `ServiceAccounts` of the cluster of the kubeconfig at hand, through `kubectl get`.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{Mutex, PoisonError},
};

use check::policy::{GetResource, callback_failure};
use serde_json::Value;

/// What look-ups were answered, by the namespace and the name.
type Asked = BTreeMap<(String, String), Result<Vec<u8>, String>>;

/// The cluster.
#[derive(Default)]
pub struct Cluster {
    asked: Mutex<Asked>,
    /// Why it can't be asked at all.
    unreachable: Mutex<Option<String>>,
}

impl Cluster {
    /// The answer to a look-up; the error is the whole text that the guest sees.
    pub fn answer(&self, request: &GetResource) -> Result<Vec<u8>, String> {
        // One at a time: a cluster that can't be reached is asked once.
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failure().is_some() {
            return Err(callback_failure("the cluster can't be asked"));
        }
        asked.entry(request.key()).or_insert_with(|| self.ask(request)).clone()
    }

    /// Why the cluster could not be asked, if it could not.
    pub fn failure(&self) -> Option<String> {
        self.unreachable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fails(&self, text: String) -> Result<Vec<u8>, String> {
        *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Err(callback_failure("the cluster can't be asked"))
    }

    fn ask(&self, request: &GetResource) -> Result<Vec<u8>, String> {
        let namespace = request.namespace.as_deref().unwrap_or_default();
        // Nothing from a manifest is taken for an option.
        let namespace = format!("--namespace={namespace}");
        let command =
            ["get", "serviceaccount", namespace.as_str(), "--output=json", "--", request.name.as_str()];
        let Ok(output) = Command::new("kubectl").args(command).output() else {
            return self.fails("kubectl is not installed".to_owned());
        };
        if output.status.success() && serde_json::from_slice::<Value>(&output.stdout).is_ok() {
            return Ok(output.stdout);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        if text.contains("(NotFound)") {
            return Err(callback_failure(&request.not_found()));
        }
        // kubectl says what it is in its last line; before that come its log's.
        let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no answer");
        if text.contains("(Forbidden)") {
            return Err(callback_failure(&format!("kubectl: {line}")));
        }
        self.fails(format!("kubectl: {line}"))
    }
}
