//! What the policy is asked, and what it answers: its function `findings`.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::severity::Severity;

/// A request for a Kubernetes resource, as `kubewarden_policy_sdk` sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetResource {
    /// As `v1`.
    pub api_version: String,
    /// As `ServiceAccount`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Whether the host must not answer from its cache.
    pub disable_cache: bool,
    /// The fields that are asked for; all where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_masks: Option<Vec<String>>,
}

impl GetResource {
    /// The host's text where there is no such resource
    /// (policy-evaluator `callback_handler/kubernetes/client.rs`, `get_resource`).
    #[must_use]
    pub fn not_found(&self) -> String {
        let Self { api_version, kind, name, namespace, .. } = self;
        let namespace = match namespace {
            Some(namespace) => format!("Some({})", serde_json::Value::from(namespace.as_str())),
            None => "None".to_owned(),
        };
        format!("Cannot find {api_version}/{kind} named '{name}' inside of namespace '{namespace}'")
    }

    /// The host's text where the policy was not granted the resource (policy-evaluator `runtimes/callback.rs`).
    #[must_use]
    pub fn not_granted(&self) -> String {
        let Self { api_version, kind, .. } = self;
        format!(
            "Policy has not been granted access to Kubernetes {api_version}/{kind} resources. The violation has been reported."
        )
    }

    /// Its namespace and its name.
    #[must_use]
    pub fn key(&self) -> (String, String) {
        (self.namespace.clone().unwrap_or_default(), self.name.clone())
    }
}

/// The host's text for a failed look-up, as the guest sees it (policy-evaluator `runtimes/callback.rs`).
#[must_use]
pub fn callback_failure(text: &str) -> String {
    format!("Callback evaluation failure: {text}")
}

/// What the policy answers (`kubewarden_policy_sdk::response::ValidationResponse`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ValidationResponse {
    /// Whether the object is accepted.
    pub accepted: bool,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The object as it is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutated_object: Option<Value>,
    /// What goes to the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// What is said to the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
}

/// The policy's answer to one request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// What an API server would be answered.
    pub response: ValidationResponse,
    /// What the policy found.
    pub findings: Vec<Finding>,
    /// How many findings are left out.
    #[serde(default)]
    pub omitted: usize,
    /// What it looked up, in its order.
    #[serde(default)]
    pub look_ups: Vec<GetResource>,
}

impl Examination {
    /// What a policy says that exports no findings, or a policy that gave no answer.
    #[must_use]
    pub fn unnamed(response: ValidationResponse) -> Self {
        let finding = |severity, text: &str| Finding {
            rule: "unknown".to_owned(),
            severity,
            object: Object::default(),
            path: None,
            container: None,
            found: None,
            message: text.to_owned(),
            fix: None,
            command: None,
            manifest: None,
            link: None,
        };
        let refused = (!response.accepted)
            .then(|| finding(Severity::Error, response.message.as_deref().unwrap_or_default()));
        let warnings = response.warnings.iter().flatten();
        let warnings = warnings.map(|warning| finding(Severity::Warning, warning));
        let findings = refused.into_iter().chain(warnings).collect();
        Self { response, findings, ..Self::default() }
    }

    /// What stands for an answer where the policy gave none.
    #[must_use]
    pub fn failed(error: &str) -> Self {
        let message = Some(format!("internal server error: {error}"));
        Self::unnamed(ValidationResponse { message, code: Some(500), ..ValidationResponse::default() })
    }
}

/// A reason of a refusal, or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule, by its name in docs/troubleshooting.md.
    pub rule: String,
    /// How grave it is.
    pub severity: Severity,
    /// The object that it is about.
    pub object: Object,
    /// Where in that object, as kubectl writes paths, as far as it is known.
    #[serde(default)]
    pub path: Option<String>,
    /// The container that it is about.
    #[serde(default)]
    pub container: Option<String>,
    /// What stands there, escaped.
    #[serde(default)]
    pub found: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(default)]
    pub fix: Option<String>,
    /// A command that does it.
    #[serde(default)]
    pub command: Option<String>,
    /// Lines of a manifest that do it.
    #[serde(default)]
    pub manifest: Option<String>,
    /// A page that explains it.
    #[serde(default)]
    pub link: Option<String>,
}

/// An object, by its names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// Its namespace, if it is known.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its name, or its `generateName` and `*`.
    #[serde(default)]
    pub name: Option<String>,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.kind)?;
        let Some(name) = self.name.as_ref().filter(|name| !name.is_empty()) else { return Ok(()) };
        match self.namespace.as_deref() {
            Some(namespace) if !namespace.is_empty() => write!(f, " {namespace}/{name}"),
            Some(_) | None => write!(f, " {name}"),
        }
    }
}
