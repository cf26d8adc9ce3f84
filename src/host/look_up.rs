//! Why a ServiceAccount could not be read: the causes told apart, each with its cure.

use crate::{
    object::service_account::{Reference, ServiceAccount},
    text::quote_to,
    verdict::{Code, Fault, Refusal},
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

/// Why a ServiceAccount could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUpFailure {
    /// It does not exist.
    NotFound,
    /// The policy was not granted `v1/ServiceAccount`.
    NotGranted,
    /// The policy was not granted the host capability.
    CapabilityDenied,
    /// The PolicyServer's own account lacks the permission.
    Forbidden(String),
    /// The answer is not the ServiceAccount that was asked for.
    NotAServiceAccount,
    /// Anything else, as the host says it.
    Other(String),
}

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

    /// Refuses `object`, which needs `reference`.
    #[must_use]
    pub fn refusal(&self, object: String, reference: &Reference) -> Refusal {
        let Reference { namespace, name } = reference;
        let (problem, hint, cure, code) = match self {
            Self::NotFound => (
                format!("its {} does not exist, expected one in the pod's namespace", reference.title()),
                "create it with:",
                format!("kubectl create serviceaccount -n {namespace} {name}"),
                Code::BadRequest,
            ),
            Self::NotGranted => (
                format!("its {} could not be read: the policy was not granted v1/ServiceAccount", reference.title()),
                "add to the policy's spec:",
                "contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]".to_owned(),
                Code::InternalServerError,
            ),
            Self::CapabilityDenied => (
                format!("its {} could not be read: the policy was not granted the host capability kubernetes/get_resource", reference.title()),
                "install it as a ClusterAdmissionPolicy, or add to the PolicyServer's spec:",
                "namespacedPoliciesCapabilities: [kubernetes/get_resource]".to_owned(),
                Code::InternalServerError,
            ),
            Self::Forbidden(said) => (
                format!("its {} could not be read: the PolicyServer's own account may not get serviceaccounts ({})", reference.title(), quote_to(said, 240)),
                "allow it with (for the default PolicyServer):",
                "kubectl create clusterrole kubewarden-serviceaccount-fields --verb=get --resource=serviceaccounts\n\
                 kubectl create clusterrolebinding kubewarden-serviceaccount-fields --clusterrole=kubewarden-serviceaccount-fields \
                 --serviceaccount=kubewarden:policy-server"
                    .to_owned(),
                Code::InternalServerError,
            ),
            Self::NotAServiceAccount => (
                format!("its {} could not be read: the host answered something else than that ServiceAccount", reference.title()),
                "look at what the API server answers:",
                format!("kubectl get serviceaccount -n {namespace} {name} -o yaml"),
                Code::InternalServerError,
            ),
            Self::Other(said) => (
                format!("its {} could not be read: the host said {}", reference.title(), quote_to(said, 240)),
                "try again, and look at the PolicyServer's log:",
                "kubectl logs -n kubewarden -l app.kubernetes.io/component=policy-server".to_owned(),
                Code::InternalServerError,
            ),
        };
        Refusal { object, problem, hint, cure, code, fault: Fault::Elsewhere }
    }

    /// The cause in a few words, for a warning.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NotFound => "it does not exist",
            Self::NotGranted => "contextAwareResources lacks v1/ServiceAccount",
            Self::CapabilityDenied => "the host capability kubernetes/get_resource is not granted",
            Self::Forbidden(_) => "the PolicyServer lacks RBAC get serviceaccounts",
            Self::NotAServiceAccount => "the host answered something else",
            Self::Other(_) => "the host failed, see its log",
        }
    }
}
