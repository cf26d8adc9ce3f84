//! Why a ServiceAccount could not be read: the causes told apart, each with its cure.

use crate::{
    object::service_account::ServiceAccount, value::reference::Reference, verdict::mistake::LookUpFailure,
};

/// Whether the host may answer from its cache, which holds successes for 5 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It may.
    Cached,
    /// It asks the API server.
    Fresh,
}

/// How the host is asked for a ServiceAccount.
pub type LookUp<'h> = &'h mut dyn FnMut(&Reference, Freshness) -> Result<ServiceAccount, LookUpFailure>;

/// What the SDK puts before the host's text, and the host before its own.
const PREFIXES: [&str; 3] = [
    "error invoking host capability kubernetes.get_resource: ",
    "Host error: ",
    "Callback evaluation failure: ",
];

impl LookUpFailure {
    /// Tells the host's error texts apart (policy-evaluator: `runtimes/callback.rs` and
    /// `callback_handler/kubernetes/client.rs`). Only the first line counts: the rest can be a stack backtrace.
    #[must_use]
    pub fn classify(text: &str) -> Self {
        let mut line = text.lines().next().unwrap_or_default().trim();
        for prefix in PREFIXES {
            line = line.strip_prefix(prefix).unwrap_or(line);
        }
        if line.starts_with("Cannot find v1/ServiceAccount named ") {
            Self::NotFound
        } else if line.starts_with("Policy has not been granted access to Kubernetes ") {
            Self::NotGranted
        } else if line.starts_with("Policy has not been granted access to the ") {
            Self::CapabilityDenied
        } else if line.starts_with("ApiError: ") && line.contains(" is forbidden: ") {
            Self::Forbidden(line.to_owned())
        } else {
            Self::Other(line.to_owned())
        }
    }
}
