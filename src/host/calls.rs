//! The one file that talks to the host: the ServiceAccount look-up, the log line, and the host's error texts.

use kubewarden_policy_sdk::host_capabilities::kubernetes::GetResourceRequest;
use wapc_guest::host_call;

use crate::{
    host::look_up::Freshness,
    json::Json,
    object::service_account::ServiceAccount,
    value::reference::Reference,
    verdict::{
        mistake::LookUpFailure,
        outcome::{Audit, Outcome, Verdict},
    },
};

/// Asks the host for a ServiceAccount.
///
/// # Errors
/// What the host says, told apart.
pub(crate) fn look_up(reference: &Reference, freshness: Freshness) -> Result<ServiceAccount, LookUpFailure> {
    let request = GetResourceRequest {
        api_version: "v1".to_owned(),
        kind: "ServiceAccount".to_owned(),
        name: reference.name.clone(),
        namespace: Some(reference.namespace.clone()),
        disable_cache: freshness == Freshness::Fresh,
        field_masks: None,
    };
    let request = serde_json::to_vec(&request).map_err(|error| LookUpFailure::Other(error.to_string()))?;
    // Not the SDK's `get_resource`: it would read the answer into a type, and repeat the whole answer in its errors.
    match host_call("kubewarden", "kubernetes", "get_resource", &request) {
        Ok(answer) => std::str::from_utf8(&answer)
            .ok()
            .and_then(|answer| ServiceAccount::from_answer(reference.clone(), answer))
            .ok_or(LookUpFailure::NotAServiceAccount),
        Err(error) => Err(LookUpFailure::classify(&error.to_string())),
    }
}

/// Logs the one line of a verdict, if it has one: pods that have nothing to do with identity cost no call.
pub(crate) fn log(verdict: &Verdict) {
    let Some(line) = &verdict.log else { return };
    let (level, outcome, message) = match verdict.outcome() {
        Outcome::Mutated => ("info", "mutated", "identity injected"),
        Outcome::Accepted => ("info", "accepted", "accepted as it is"),
        Outcome::Refused => ("warning", "refused", "refused"),
    };
    let message = line.message.as_deref().unwrap_or(message);
    let (object, namespace) = (line.object.to_string(), &line.namespace);
    let said = [
        ("level", level),
        ("message", message),
        ("object", &object),
        ("namespace", namespace),
        ("outcome", outcome),
    ];
    let fields = said.into_iter().chain(verdict.audit.iter().flat_map(Audit::fields));
    let mut event = String::new();
    // As the SDK's `KubewardenDrain` sends it; `slog`, which that is made for, would take 24 KB of the module.
    Json::Object(fields.map(|(name, value)| (name.into(), Json::text(value))).collect()).write(&mut event);
    // A host that does not take the line is no reason to change the verdict.
    let _ = host_call("kubewarden", "tracing", "log", event.as_bytes());
}
