//! Why a ServiceAccount could not be read: the causes told apart, each with its fix.

use crate::{
    object::service_account::ServiceAccount, value::reference::Reference, verdict::facts::LookUpFailure,
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
            Self::Forbidden(without_debug(line).into())
        } else {
            Self::Other(without_debug(line).into())
        }
    }
}

/// What comes before a value in Rust's debug form, ` (Status { status: Some(Failure), …`, which repeats it.
fn without_debug(line: &str) -> &str {
    let Some(brace) = line.find(" { ") else { return line };
    let head = line.get(..brace).unwrap_or_default();
    let name = head.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |end| end + 1);
    let before = head.get(..name).unwrap_or_default();
    let before = if before.is_empty() { head } else { before };
    before.trim_end_matches(|c: char| c == '(' || c == ':' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_rusts_debug_form() {
        for (text, left) in [
            ("ServiceError: client error (Connect)", "ServiceError: client error (Connect)"),
            (
                "x is forbidden: Forbidden (Status { status: Some(Failure), code: 403 })",
                "x is forbidden: Forbidden",
            ),
            ("Status { a: 1 }", "Status"),
        ] {
            assert_eq!(without_debug(text), left);
        }
    }
}
