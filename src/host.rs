//! The one file that talks to the host: the ServiceAccount look-up, the log line, and the host's error texts.

use kubewarden_policy_sdk::host_capabilities::kubernetes::{GetResourceRequest, get_resource};
use serde::Serialize;
use serde_json::value::RawValue;
use wapc_guest::host_call;

use crate::{
    look_up::{Freshness, LookUpFailure},
    service_account::{Reference, ServiceAccount},
    verdict::{Audit, LogLine, Outcome, Verdict},
};

/// Asks the host for a ServiceAccount.
///
/// # Errors
/// What the host says, told apart.
pub fn look_up(reference: &Reference, freshness: Freshness) -> Result<ServiceAccount, LookUpFailure> {
    let request = GetResourceRequest {
        api_version: "v1".to_owned(),
        kind: "ServiceAccount".to_owned(),
        name: reference.name.clone(),
        namespace: Some(reference.namespace.clone()),
        disable_cache: freshness == Freshness::Fresh,
        field_masks: None,
    };
    match get_resource::<Box<RawValue>>(&request) {
        Ok(answer) => ServiceAccount::from_answer(reference.clone(), answer.get())
            .ok_or(LookUpFailure::NotAServiceAccount),
        Err(kubewarden_policy_sdk::Error::HostCall { source, .. }) => {
            Err(LookUpFailure::classify(&source.to_string()))
        }
        // An answer that is no JSON: the SDK's text would repeat it.
        Err(_) => Err(LookUpFailure::NotAServiceAccount),
    }
}

/// The log line as the SDK's `KubewardenDrain` sends it; `slog`, which that is made for, would take 24 KB of the module.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Event<'e> {
    level: &'static str,
    message: &'e str,
    object: &'e str,
    namespace: &'e str,
    outcome: &'static str,
    #[serde(flatten)]
    audit: Option<&'e Audit>,
}

/// Logs the one line of a verdict, if it has one: pods that have nothing to do with identity cost no call.
pub fn log(verdict: &Verdict) {
    let Some(line) = &verdict.log else { return };
    let (level, outcome, message) = match verdict.outcome() {
        Outcome::Mutated => ("info", "mutated", "identity injected"),
        Outcome::Accepted => ("info", "accepted", "accepted as it is"),
        Outcome::Refused => ("warning", "refused", "refused"),
    };
    let message = line.message.as_deref().unwrap_or(message);
    let LogLine { object, namespace, .. } = line;
    let event = Event { level, message, object, namespace, outcome, audit: verdict.audit.as_ref() };
    if let Ok(event) = serde_json::to_vec(&event) {
        // A host that does not take the line is no reason to change the verdict.
        let _ = host_call("kubewarden", "tracing", "log", &event);
    }
}
