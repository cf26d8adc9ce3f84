//! The outcome of a case for the policy and for the webhook, as data.

use std::sync::Arc;

use anyhow::{Context, Result};
use azwi_policy::host::{Answers, Examination, GetResource, Module, callback_failure};
use check::finding::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use laws::pods::Case;

/// The outcome of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Admitted, as this pod.
    Admitted(Value),
    /// Refused, and why.
    Refused(Refused),
}

/// Why a pod is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The message.
    pub message: String,
    /// The rules of the policy; none of the webhook.
    pub rules: Vec<String>,
}

/// What the oracle writes for a case; the JSON patch is the webhook's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it was admitted.
    pub allowed: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How the pod is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<json_patch::Patch>,
}

/// Whether the webhook is asked at all: its registration selects by the pod's label.
#[must_use]
pub fn is_selected(case: &Case) -> bool {
    case.request.pointer("/object/metadata/labels/azure.workload.identity~1use") == Some(&Value::from("true"))
}

/// What the webhook made of a case.
///
/// # Errors
/// A patch that does not fit the pod.
pub fn webhook(case: &Case, answer: &Answer) -> Result<Outcome> {
    let mut pod = case.request.get("object").cloned().unwrap_or_default();
    if !is_selected(case) {
        return Ok(Outcome::Admitted(pod));
    }
    if !answer.allowed {
        return Ok(Outcome::Refused(Refused {
            message: answer.message.clone().unwrap_or_default(),
            rules: Vec::new(),
        }));
    }
    if let Some(patch) = &answer.patches {
        json_patch::patch(&mut pod, patch).context("the webhook's patch does not fit")?;
    }
    Ok(Outcome::Admitted(pod))
}

/// What the policy makes of a case.
///
/// # Errors
/// The module can't run.
pub fn policy(module: &Module, settings: &Value, case: &Case) -> Result<Outcome> {
    let accounts = case.service_accounts.clone();
    let answers: Answers = Arc::new(move |request: &GetResource| {
        let found = accounts
            .iter()
            .find(|account| account.pointer("/metadata/name") == Some(&Value::from(request.name.clone())));
        found
            .map(|account| account.to_string().into_bytes())
            .ok_or_else(|| callback_failure(&request.not_found()))
    });
    let Examination { response, findings, .. } = module.examine(settings, &case.request, answers)?;
    if !response.allowed {
        let refusals = findings.into_iter().filter(|finding| finding.severity == Severity::Error);
        return Ok(Outcome::Refused(Refused {
            message: response.message().to_owned(),
            rules: refusals.map(|finding| finding.rule).collect(),
        }));
    }
    Ok(Outcome::Admitted(response.apply(case.request.get("object").unwrap_or(&Value::Null))?))
}

/// A pod without the fields that say nothing: Go's types write some of them where there were none, and drop others; a
/// volume's mode of 0644 (decimal 420) is what the API server fills in.
#[must_use]
pub fn said(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), said(value)));
            let is_default = |name: &str, value: &Value| name == "defaultMode" && *value == 420;
            Value::Object(
                fields.filter(|(name, value)| !says_nothing(value) && !is_default(name, value)).collect(),
            )
        }
        Value::Array(items) => items.iter().map(said).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Fields of generated pods that the types of the webhook v1.6.0 do not have: an unknown one, the
/// resources of a pod (its issue 1751), and one of Kubernetes 1.34.
const UNKNOWN: [&str; 3] = ["futureField", "resources", "fileKeyRef"];

/// A pod without the fields that no Kubernetes type has.
#[must_use]
pub fn without_future(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.iter().filter(|(name, _)| !UNKNOWN.contains(&name.as_str()));
            Value::Object(known.map(|(name, value)| (name.clone(), without_future(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_future).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
