//! Every sentence that the policy says to a person, on one page.

use std::fmt;

use crate::{
    json::fields::explain,
    text::{cut_middle, printable, quote, quote_to},
    value::{
        identity::{ClientId, TenantId},
        names,
        parse::Accepts,
    },
    verdict::{
        mistake::{IdentityPart, LookUpFailure, Mistake, Obstacle, WrongValue},
        notice::{MetadataKind, Notice},
        refusal::Code,
        title::Title,
    },
};

impl fmt::Display for WrongValue {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "annotation {} is {}, expected {}", self.annotation, quote(&self.found), self.accepted)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::WrongAnnotation(wrong) => wrong.fmt(f),
            Self::NoTenant => write!(
                f,
                "neither annotation {} nor the policy's setting tenantId is set, expected {}",
                names::TENANT_ID,
                TenantId::accepted()
            ),
            Self::ClientIdRequired => write!(
                f,
                "annotation {} is missing, and the policy's setting requireClientId is true, expected {}",
                names::CLIENT_ID,
                ClientId::accepted()
            ),
            Self::IdentityNotAllowed { part, namespace, client_id, tenant_id } => {
                not_allowed(f, *part, namespace, client_id.as_ref(), tenant_id)
            }
            Self::ProxyOnHostNetwork => f.write_str(
                "spec.hostNetwork is true: the proxy would redirect the traffic of the whole node, expected the pod's own network or no proxy",
            ),
            Self::ProxyOnWindows => {
                f.write_str("the proxy sidecar does not run on Windows, expected a Linux pod or no proxy")
            }
            Self::MountHidesToken { obstacle, container, volume, path } => {
                hides(f, *obstacle, [container, volume, path])
            }
            Self::VolumeNameTaken { volume, container, field } => taken(f, volume, container, field),
            Self::LookUp { reference, failure } => look_up(f, &reference.title(), failure),
            Self::NoSuchName(found) => {
                write!(f, "spec.serviceAccountName is {}, expected the name of a ServiceAccount", quote(found))
            }
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::BadSettings(problems) => write!(f, "its settings are not valid: {}", explain(problems)),
        }
    }
}

fn hides(f: &mut fmt::Formatter, obstacle: Obstacle, [container, volume, path]: [&str; 3]) -> fmt::Result {
    let (verb, field) = match obstacle {
        Obstacle::Mount => ("mounts volume", "mountPath"),
        Obstacle::Device => ("has the block device", "devicePath"),
    };
    write!(
        f,
        "container {} {verb} {} at {}, which hides the identity's token, expected another {field}",
        quote_to(container, 63),
        quote_to(volume, 63),
        quote_to(path, 160)
    )
}

fn taken(f: &mut fmt::Formatter, volume: &str, container: &str, field: &str) -> fmt::Result {
    let (volume, container) = (quote_to(volume, 63), quote_to(container, 63));
    write!(
        f,
        "volume {volume} has the name of the identity's token volume, and container {container} uses it by {field}, expected another name"
    )
}

fn not_allowed(
    f: &mut fmt::Formatter,
    part: IdentityPart,
    namespace: &str,
    client_id: Option<&ClientId>,
    tenant_id: &TenantId,
) -> fmt::Result {
    let namespace = quote(namespace);
    let client = client_id.map_or_else(
        || "an identity without a client id".to_owned(),
        |id| format!("client id {}", quote(&id.to_string())),
    );
    match part {
        IdentityPart::Namespace => write!(f, "no identity is allowed in namespace {namespace}")?,
        IdentityPart::ClientId => write!(f, "{client} is not allowed in namespace {namespace}")?,
        IdentityPart::TenantId => {
            let tenant_id = quote(&tenant_id.to_string());
            write!(f, "tenant id {tenant_id} is not allowed with {client} in namespace {namespace}")?;
        }
    }
    f.write_str(" by the policy's setting allowedIdentities")
}

fn look_up(f: &mut fmt::Formatter, account: &Title, failure: &LookUpFailure) -> fmt::Result {
    if *failure == LookUpFailure::NotFound {
        return write!(f, "its {account} does not exist");
    }
    write!(f, "its {account} could not be read: ")?;
    match failure {
        LookUpFailure::NotFound | LookUpFailure::NotGranted => {
            f.write_str("the policy has no access to v1/ServiceAccount")
        }
        LookUpFailure::CapabilityDenied => {
            f.write_str("the policy has no access to the host capability kubernetes/get_resource")
        }
        LookUpFailure::Forbidden(said) => {
            write!(f, "the PolicyServer's account may not get ServiceAccounts ({})", quote_to(said, 240))
        }
        LookUpFailure::NotAServiceAccount => {
            f.write_str("the host returned something other than that ServiceAccount")
        }
        LookUpFailure::Other(said) => write!(f, "the host reported {}", quote_to(said, 240)),
    }
}

impl Mistake {
    /// HTTP status code for the API server's answer.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::WrongAnnotation(_)
            | Self::NoTenant
            | Self::ClientIdRequired
            | Self::ProxyOnHostNetwork
            | Self::ProxyOnWindows
            | Self::MountHidesToken { .. }
            | Self::VolumeNameTaken { .. }
            | Self::LookUp { failure: LookUpFailure::NotFound, .. }
            | Self::NoSuchName(_)
            | Self::Malformed(_) => Code::BadRequest,
            Self::IdentityNotAllowed { .. } => Code::Forbidden,
            Self::LookUp { .. } | Self::BadSettings(_) => Code::InternalServerError,
        }
    }

    /// What introduces the cure, and a command or a line of YAML that repairs `object`.
    pub(crate) fn cure(&self, object: &Title) -> (&'static str, String) {
        match self {
            Self::WrongAnnotation(wrong) => fix(wrong, object),
            Self::NoTenant => (
                "set tenantId in the policy's spec.settings, or run:",
                annotate(object, names::TENANT_ID, "<the tenant id>"),
            ),
            Self::ClientIdRequired => {
                ("add it with:", annotate(object, names::CLIENT_ID, "<the managed identity's client id>"))
            }
            Self::IdentityNotAllowed { namespace, client_id, tenant_id, .. } => {
                allow(namespace, client_id.as_ref(), tenant_id)
            }
            Self::ProxyOnHostNetwork | Self::ProxyOnWindows => (
                "turn the proxy off in the pod, or in the pod template of its workload:",
                format!("metadata: {{annotations: {{{}: \"false\"}}}}", names::INJECT_PROXY_SIDECAR),
            ),
            Self::MountHidesToken { container, .. } => (
                "move that mount, or give the container no identity:",
                format!(
                    "metadata: {{annotations: {{{}: {}}}}}",
                    names::SKIP_CONTAINERS,
                    printable(&cut_middle(container, 63))
                ),
            ),
            Self::VolumeNameTaken { .. } => (
                "rename the volume in the pod, or in the pod template of its workload:",
                "volumes: [{name: my-volume}]".to_owned(),
            ),
            Self::LookUp { reference, failure } => failure.cure(&reference.namespace, &reference.name),
            Self::NoSuchName(_) => {
                ("list the ServiceAccounts of the namespace with:", "kubectl get serviceaccounts".to_owned())
            }
            Self::Malformed(_) => ("see what Kubernetes expects:", "kubectl explain pod.spec".to_owned()),
            Self::BadSettings(_) => {
                ("fix them in the policy's spec.settings:", "kubectl edit clusteradmissionpolicy".to_owned())
            }
        }
    }
}

/// How an annotation's value is fixed: by a command where the object is there, in the manifest where it is a template's.
fn fix(wrong: &WrongValue, object: &Title) -> (&'static str, String) {
    let WrongValue { annotation, placeholder, .. } = wrong;
    match object {
        Title::Object { kind: "ServiceAccount", .. } => {
            ("fix it with:", annotate(object, annotation, placeholder))
        }
        Title::Object { .. } | Title::Request | Title::Policy => (
            "fix it in the pod, or in the pod template of its workload:",
            format!("metadata: {{annotations: {{{annotation}: \"{placeholder}\"}}}}"),
        ),
    }
}

/// What an administrator adds to `allowedIdentities`.
fn allow(namespace: &str, client_id: Option<&ClientId>, tenant_id: &TenantId) -> (&'static str, String) {
    let client_ids = client_id.map(|id| format!(", clientIds: [{id}]")).unwrap_or_default();
    (
        "use an identity that is allowed, or ask the policy's administrator to add to spec.settings.allowedIdentities:",
        format!("- {{namespaces: [{namespace}]{client_ids}, tenantIds: [{tenant_id}]}}"),
    )
}

impl LookUpFailure {
    fn cure(&self, namespace: &str, name: &str) -> (&'static str, String) {
        match self {
            Self::NotFound => {
                ("create it with:", format!("kubectl create serviceaccount -n {namespace} {name}"))
            }
            Self::NotGranted => (
                "add to the policy's spec:",
                "contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]".to_owned(),
            ),
            Self::CapabilityDenied => (
                "install it as a ClusterAdmissionPolicy, or add to the PolicyServer's spec:",
                "namespacedPoliciesCapabilities: [kubernetes/get_resource]".to_owned(),
            ),
            Self::Forbidden(_) => (
                "allow it (for the default PolicyServer) with:",
                "kubectl create clusterrole kubewarden-serviceaccount-reader --verb=get --resource=serviceaccounts\n\
                 kubectl create clusterrolebinding kubewarden-serviceaccount-reader --clusterrole=kubewarden-serviceaccount-reader \
                 --serviceaccount=kubewarden:policy-server"
                    .to_owned(),
            ),
            Self::NotAServiceAccount => (
                "see what the API server returns:",
                format!("kubectl get serviceaccount -n {namespace} {name} -o yaml"),
            ),
            Self::Other(_) => (
                "try again, or see the PolicyServer's log:",
                "kubectl logs -n kubewarden -l app.kubernetes.io/component=policy-server".to_owned(),
            ),
        }
    }
}

/// The command that sets an annotation of a ServiceAccount.
fn annotate(account: &Title, annotation: &str, value: &str) -> String {
    let place = match account {
        Title::Object { namespace, name, .. } => format!("-n {namespace} {name}"),
        Title::Request | Title::Policy => String::new(),
    };
    format!("kubectl annotate --overwrite serviceaccount {place} {annotation}={value}")
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoClientId => {
                write!(f, "no annotation {}, so {} is not set", names::CLIENT_ID, names::AZURE_CLIENT_ID)
            }
            Self::SkipsNobody(name) => skips_nobody(f, name),
            Self::OwnValue { variable } => write!(
                f,
                "sets {variable} to a different value than the identity's; remove it unless you mean it"
            ),
            Self::OwnToken => write!(
                f,
                "brings a token of its own at {}, and is left as it is",
                names::AZURE_FEDERATED_TOKEN_FILE
            ),
            Self::ProxyRunsAsRoot => f.write_str(
                "securityContext.runAsNonRoot is true, but azwi-proxy-init runs as root and may be refused",
            ),
            Self::AdmittedUnread { pod, failure } => {
                let text =
                    format!("can't be read ({}); {pod} is admitted without an identity", failure.cause());
                f.write_str(&cut_middle(&text, 200))
            }
            Self::WorkloadUnread { reference, failure } => write!(
                f,
                "its {} can't be read ({}); its pods get no identity until that is fixed",
                reference.title(),
                failure.cause()
            ),
            Self::Mistake(mistake) => f.write_str(&cut_middle(&mistake.to_string(), 190)),
            Self::UnknownAnnotation { .. }
            | Self::Misplaced { .. }
            | Self::LabelAsAnnotation
            | Self::LabelIgnored(_)
            | Self::RetiredBinding
            | Self::AnnotationsWithoutLabel => self.of_metadata(f),
        }
    }
}

impl Notice {
    /// What is said of a label or an annotation.
    fn of_metadata(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::UnknownAnnotation { name, nearest } => {
                let name = cut_middle(&printable(name), 90);
                write!(f, "annotation {name} is unknown, did you mean {nearest}?")
            }
            Self::Misplaced { metadata, name, belongs } => misplaced(f, *metadata, name, belongs),
            Self::LabelAsAnnotation => {
                write!(f, "{} has no effect as an annotation, make it a label", names::USE_LABEL)
            }
            Self::LabelIgnored(value) => write!(
                f,
                "label {} is {}, which is ignored; use \"true\" or \"false\"",
                names::USE_LABEL,
                quote_to(value, 63)
            ),
            Self::RetiredBinding => write!(
                f,
                "label {} belongs to the retired aad-pod-identity and has no effect; remove it",
                names::RETIRED_BINDING
            ),
            Self::AnnotationsWithoutLabel => {
                write!(f, "its annotations have no effect without the label {}: \"true\"", names::USE_LABEL)
            }
            Self::NoClientId
            | Self::SkipsNobody(_)
            | Self::OwnValue { .. }
            | Self::OwnToken
            | Self::ProxyRunsAsRoot
            | Self::AdmittedUnread { .. }
            | Self::WorkloadUnread { .. }
            | Self::Mistake(_) => Ok(()),
        }
    }
}

fn skips_nobody(f: &mut fmt::Formatter, name: &str) -> fmt::Result {
    let separator = if name.contains(',') { " (separate them with ;)" } else { "" };
    write!(f, "skip-containers names {}, but no container has that name{separator}", quote_to(name, 63))
}

fn misplaced(f: &mut fmt::Formatter, metadata: MetadataKind, name: &str, belongs: &str) -> fmt::Result {
    let what = match metadata {
        MetadataKind::Label => "label",
        MetadataKind::Annotation => "annotation",
    };
    write!(f, "{what} {} has no effect here, move it to {belongs}", cut_middle(&printable(name), 90))
}
