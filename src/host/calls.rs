//! The one file that talks to the host: the ServiceAccount look-up, the log line, and the host's error texts.

use kubewarden_policy_sdk::{host_capabilities::kubernetes::GetResourceRequest, logging::KubewardenDrain};
use slog::{Drain, KV, Logger, Record, Serializer, info, o, warn};
use wapc_guest::host_call;

use crate::{
    host::look_up::Freshness,
    object::service_account::ServiceAccount,
    value::reference::Reference,
    verdict::{
        facts::LookUpFailure,
        outcome::{LogEvent, LogLevel, Verdict},
    },
};

/// Asks the host for a ServiceAccount.
///
/// # Errors
/// The cause of the failure, identified from the host's error text.
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
    let Some(LogEvent { level, message, fields }) = verdict.log_event() else { return };
    // A host that rejects the line must not change the verdict: `KubewardenDrain::new` would panic.
    let logger = Logger::root(KubewardenDrain::default().ignore_res(), o!());
    let fields = Fields(fields);
    match level {
        LogLevel::Info => info!(logger, "{message}"; fields),
        LogLevel::Warning => warn!(logger, "{message}"; fields),
    }
}

/// The fields of a log line.
struct Fields(Vec<(&'static str, String)>);

impl KV for Fields {
    fn serialize(&self, _: &Record, serializer: &mut dyn Serializer) -> slog::Result {
        self.0.iter().try_for_each(|(name, value)| serializer.emit_str(name, value))
    }
}
