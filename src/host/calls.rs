//! The one file that talks to the host: the ServiceAccount look-up, the log line, and the host's error texts.

use kubewarden_policy_sdk::host_capabilities::kubernetes::GetResourceRequest;
use wapc_guest::host_call;

use crate::{
    host::look_up::Freshness,
    object::service_account::ServiceAccount,
    value::reference::Reference,
    verdict::{mistake::LookUpFailure, outcome::Verdict},
};

/// Asks the host for a ServiceAccount.
///
/// # Errors
/// What the host says, told apart.
pub(crate) fn look_up(reference: &Reference, freshness: Freshness) -> Result<ServiceAccount, LookUpFailure> {
    let request = GetResourceRequest {
        api_version: "v1".to_owned(),
        kind: "ServiceAccount".to_owned(),
        name: reference.name.as_str().to_owned(),
        namespace: Some(reference.namespace.as_str().to_owned()),
        disable_cache: freshness == Freshness::Fresh,
        field_masks: None,
    };
    let request =
        serde_json::to_vec(&request).map_err(|error| LookUpFailure::Other(error.to_string().into()))?;
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
    if let Some(entry) = verdict.log_entry() {
        // A host that does not take the line is no reason to change the verdict.
        let _ = host_call("kubewarden", "tracing", "log", entry.as_bytes());
    }
}
