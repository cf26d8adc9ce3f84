//! How a mistake is repaired: what introduces the fix, and the command or the line of YAML itself. Both can be pasted.

use crate::{
    json::Unquoted,
    text::Untrusted,
    value::{
        identity::{ClientId, TenantId, is_object_name},
        keys::MetadataKind,
        names,
        parse::Accepts,
        reference::Reference,
    },
    verdict::{
        description::{Description, Paste},
        messages::mistake::metadata_of,
        mistake::{ClientOf, IdentityPart, Instead, LookUpFailure, Mistake, WrongValue},
        refusal::{Code, Refusal, Repair},
        title::Title,
    },
};

/// Kubernetes' own description of an admission request.
const REQUESTS: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request";

/// What introduces a fix, and the fix.
type Fix = (&'static str, String);

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
            | Self::TooLarge
            | Self::Malformed(_) => Code::BadRequest,
            Self::IdentityNotAllowed { .. } | Self::OwnIdNotAllowed { .. } => Code::Forbidden,
            Self::LookUp { .. } | Self::BadSettings(_) => Code::InternalServerError,
        }
    }
}

impl Refusal {
    /// All that is said of it: the mistake, and how this object is repaired.
    pub(crate) fn describe(&self) -> Description {
        let (hint, text) = self.fix();
        let paste = match text {
            text if text.starts_with("kubectl") => Paste::Command(text),
            text if text.starts_with("https://") => Paste::Link(text),
            text => Paste::Manifest(text),
        };
        self.mistake.describe().fix(hint).paste(paste)
    }

    /// The fix of the mistake for this object.
    fn fix(&self) -> Fix {
        match &self.mistake {
            Mistake::WrongAnnotation(WrongValue { annotation, instead, .. }) => match instead {
                Instead::Value(value) => self.annotated(annotation, value),
                Instead::Nothing => self.without(annotation),
            },
            Mistake::NoTenant => {
                let (_, line) = self.annotated(names::TENANT_ID, TenantId::PLACEHOLDER);
                match self.repair {
                    Repair::Cluster => ("set tenantId in the policy's spec.settings, or run:", line),
                    Repair::Manifest => {
                        ("set tenantId in the policy's spec.settings, or add to its manifest:", line)
                    }
                }
            }
            Mistake::ClientIdRequired
            | Mistake::IdentityNotAllowed {
                part: IdentityPart::ClientId, client: ClientOf::Nothing, ..
            } => {
                let (_, line) = self.annotated(names::CLIENT_ID, ClientId::PLACEHOLDER);
                match self.repair {
                    Repair::Cluster => ("add it with:", line),
                    Repair::Manifest => ("add it to its manifest:", line),
                }
            }
            Mistake::IdentityNotAllowed { namespace, client, tenant_id, .. } => {
                allow(namespace, client, tenant_id)
            }
            Mistake::TooLarge => (
                "make it smaller, or skip containers that need no identity, in the pod or in the pod template of its workload:",
                annotations(names::SKIP_CONTAINERS, "\"CONTAINER\""),
            ),
            Mistake::OwnIdNotAllowed { variable, .. } => (
                "remove it, so that the container uses its ServiceAccount's identity, or set it to one that is allowed:",
                format!("env: [{{name: {variable}, value: \"{}\"}}]", variable.trim_start_matches("AZURE_")),
            ),
            Mistake::ProxyOnHostNetwork | Mistake::ProxyOnWindows => (
                "turn the proxy off in the pod, or in the pod template of its workload:",
                annotations(names::INJECT_PROXY_SIDECAR, "\"false\""),
            ),
            Mistake::MountHidesToken { skip, .. } => (
                "move that mount, or give the container no identity:",
                annotations(names::SKIP_CONTAINERS, &skip.yaml("CONTAINER")),
            ),
            Mistake::VolumeNameTaken { .. } => (
                "rename the volume in the pod, or in the pod template of its workload:",
                "volumes: [{name: my-volume}]".to_owned(),
            ),
            Mistake::LookUp { reference, failure } => failure.fix(reference),
            Mistake::NoSuchName(_) => (
                "list the ServiceAccounts of the namespace with:",
                format!("kubectl get serviceaccounts{}", in_namespace(&self.object)),
            ),
            Mistake::Malformed(malformed) => match malformed.unquoted.as_deref() {
                Some(Unquoted { parent, name, scalar }) if metadata_of(parent).is_some() => {
                    let metadata = metadata_of(parent).map_or("labels", MetadataKind::field);
                    quotes(metadata, name, scalar)
                }
                Some(_) | None => explain(&self.object, &malformed.path),
            },
            Mistake::BadSettings(_) => {
                ("fix them in the policy's spec.settings:", "kubectl edit clusteradmissionpolicy".to_owned())
            }
        }
    }

    /// How an annotation is given the value `value`, which a shell and YAML take as it is.
    fn annotated(&self, annotation: &str, value: &str) -> Fix {
        match (self.repair, &self.object) {
            (Repair::Cluster, object) => (
                "fix it with:",
                format!(
                    "kubectl annotate --overwrite serviceaccount{} {} {annotation}={value}",
                    in_namespace(object),
                    name_of(object)
                ),
            ),
            (Repair::Manifest, Title::Object { kind: "ServiceAccount", .. }) => {
                ("fix it in its manifest:", annotations(annotation, &format!("\"{value}\"")))
            }
            (Repair::Manifest, Title::Object { .. } | Title::Request | Title::Policy) => (
                "fix it in the pod, or in the pod template of its workload:",
                annotations(annotation, &format!("\"{value}\"")),
            ),
        }
    }
}

impl Refusal {
    /// How an annotation is taken away.
    fn without(&self, annotation: &str) -> Fix {
        match self.repair {
            Repair::Cluster => (
                "remove it with:",
                format!(
                    "kubectl annotate serviceaccount{} {} {annotation}-",
                    in_namespace(&self.object),
                    name_of(&self.object)
                ),
            ),
            Repair::Manifest => ("remove it from its manifest:", annotations(annotation, "null")),
        }
    }
}

/// The line of a manifest that has this annotation.
fn annotations(name: &str, value: &str) -> String {
    format!("metadata: {{annotations: {{{name}: {value}}}}}")
}

/// The flag for the namespace of `object`, with a blank before it.
fn in_namespace(object: &Title) -> String {
    match object {
        Title::Object { namespace, .. } if !namespace.as_str().is_empty() => {
            format!(" -n {}", namespace.shell_word("NAMESPACE"))
        }
        Title::Object { .. } | Title::Request | Title::Policy => String::new(),
    }
}

fn name_of(object: &Title) -> String {
    match object {
        Title::Object { name, .. } => name.shell_word("NAME"),
        Title::Request | Title::Policy => "NAME".to_owned(),
    }
}

/// The line of a manifest in which a label or annotation has its quotes.
fn quotes(metadata: &str, name: &Untrusted, scalar: &Untrusted) -> Fix {
    let (name, scalar) = (name.yaml("NAME"), scalar.yaml("VALUE"));
    ("put it in quotes:", format!("metadata: {{{metadata}: {{{name}: {scalar}}}}}"))
}

/// The command that prints what belongs at `path` of an object.
fn explain(object: &Title, path: &Untrusted) -> Fix {
    let path = path.as_str();
    let Title::Object { kind, .. } = object else {
        return ("see what a request holds:", REQUESTS.to_owned());
    };
    if path.starts_with("request.") {
        return ("see what a request holds:", REQUESTS.to_owned());
    }
    let path = path.strip_prefix("oldObject.").unwrap_or(path);
    let names = path.split('.').map(|name| name.split('[').next().unwrap_or_default());
    let is_field =
        |name: &&str| (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    // Names below a map are chosen by the user, so the path ends there.
    let mut known = vec![kind.to_ascii_lowercase()];
    for name in names.take_while(is_field).take(8) {
        known.push(name.to_owned());
        if matches!(name, "labels" | "annotations" | "nodeSelector") {
            break;
        }
    }
    ("see what Kubernetes expects:", format!("kubectl explain {}", known.join(".")))
}

/// What an administrator adds to `allowedIdentities`.
fn allow(namespace: &Untrusted, client: &ClientOf, tenant_id: &TenantId) -> Fix {
    let namespace = namespace.yaml("NAMESPACE");
    let client_id = match client {
        ClientOf::Id(id) => id.as_str(),
        ClientOf::Name(_) | ClientOf::Nothing => ClientId::PLACEHOLDER,
    };
    (
        "use an identity that is allowed, or ask the policy's administrator to add to spec.settings.allowedIdentities:",
        format!(
            "- {{namespaces: [{namespace}], clientIds: [\"{client_id}\"], tenantIds: [\"{tenant_id}\"]}}"
        ),
    )
}

impl LookUpFailure {
    fn fix(&self, account: &Reference) -> Fix {
        let account = account.title();
        match self {
            Self::NotFound => (
                "create it with:",
                format!("kubectl create serviceaccount{} {}", in_namespace(&account), name_of(&account)),
            ),
            Self::NotGranted => (
                "add to the policy's spec:",
                "contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]".to_owned(),
            ),
            Self::CapabilityDenied => (
                "install it as a ClusterAdmissionPolicy, or add to the PolicyServer's spec:",
                "namespacedPoliciesCapabilities: [kubernetes/get_resource]".to_owned(),
            ),
            Self::Forbidden(reported) => grant(reported.as_str()),
            Self::NotAServiceAccount => (
                "see what the API server returns:",
                format!("kubectl get serviceaccount{} {} -o yaml", in_namespace(&account), name_of(&account)),
            ),
            Self::Other(_) => (
                "try again, or see the PolicyServer's log:",
                "kubectl logs -n kubewarden -l app.kubernetes.io/component=policy-server".to_owned(),
            ),
        }
    }
}

/// How the account that the host's text names gets to read ServiceAccounts. The binding is named after the account, so that one for
/// another PolicyServer is not in its way; neither name is one of `deploy/`.
fn grant(reported: &str) -> Fix {
    let account = account_in(reported);
    let (hint, (namespace, name)) = match account {
        Some(account) => ("allow it with:", account),
        None => ("allow it (for the default PolicyServer) with:", ("kubewarden", "policy-server")),
    };
    let commands = format!(
        "kubectl create clusterrole read-serviceaccounts --verb=get --resource=serviceaccounts\n\
         kubectl create clusterrolebinding read-serviceaccounts.{namespace}.{name} --clusterrole=read-serviceaccounts \
         --serviceaccount={namespace}:{name}"
    );
    (hint, commands)
}

/// The ServiceAccount in `User "system:serviceaccount:NAMESPACE:NAME" cannot get …`.
fn account_in(reported: &str) -> Option<(&str, &str)> {
    let (_, after) = reported.split_once("\"system:serviceaccount:")?;
    let (namespace, name) = after.split_once('"')?.0.split_once(':')?;
    (is_object_name(namespace) && is_object_name(name)).then_some((namespace, name))
}
