//! How a mistake is repaired: what introduces the fix, and the command or the line of YAML itself. Both can be pasted.

use crate::{
    text::Untrusted,
    value::{
        identity::{ClientId, TenantId, is_object_name},
        kind::Kind,
        parse::Accepts,
    },
    verdict::{
        description::{Description, Paste},
        facts::{ClientOf, LookUpFailure, Repair},
        title::Title,
    },
};

/// The fix of a mistake, before it is known of which object.
#[derive(Debug)]
pub(crate) enum Fix {
    /// Set an annotation.
    Annotate {
        /// Its name.
        annotation: &'static str,
        /// Its value, which a shell and YAML take as it is.
        value: String,
        /// What introduces it.
        hint: Hint,
    },
    /// Remove an annotation.
    Unannotate(&'static str),
    /// What introduces it, and what to paste.
    Paste(&'static str, Paste),
    /// List the ServiceAccounts of the object's namespace.
    ListAccounts,
    /// See what Kubernetes expects at this path of the object.
    Explain(Untrusted),
}

/// What introduces an annotation that is set: by a command, in the manifest of a ServiceAccount, in the manifest of a pod or workload.
pub(crate) type Hint = [&'static str; 3];

/// What introduces annotations.
pub(crate) mod hints {
    use super::Hint;

    /// For one that is wrong.
    pub(crate) const FIX: Hint = [
        "fix it with:",
        "fix it in its manifest:",
        "fix it in the pod, or in the pod template of its workload:",
    ];
    /// For one that is missing.
    pub(crate) const ADD: Hint = ["add it with:", "add it to its manifest:", "add it to its manifest:"];
    /// For a tenant, which the settings can have too.
    pub(crate) const TENANT: Hint = [
        "set tenantId in the policy's spec.settings, or run:",
        "set tenantId in the policy's spec.settings, or add to its manifest:",
        "set tenantId in the policy's spec.settings, or add to its manifest:",
    ];
}

/// Kubernetes' own description of an admission request.
const REQUESTS: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request";

/// What introduces what is pasted, and that.
type Pasted = (&'static str, Paste);

impl Fix {
    /// Set an annotation to this value or placeholder.
    pub(crate) fn annotate(annotation: &'static str, value: &str, hint: Hint) -> Self {
        Self::Annotate { annotation, value: value.to_owned(), hint }
    }

    /// Run a command.
    pub(crate) fn command(hint: &'static str, text: impl Into<String>) -> Self {
        Self::Paste(hint, Paste::Command(text.into()))
    }

    /// Write lines of a manifest.
    pub(crate) fn manifest(hint: &'static str, text: impl Into<String>) -> Self {
        Self::Paste(hint, Paste::Manifest(text.into()))
    }

    /// A line of a manifest that has this annotation.
    pub(crate) fn annotation_line(hint: &'static str, annotation: &str, value: &str) -> Self {
        Self::manifest(hint, annotations(annotation, value))
    }

    /// The description of a mistake of `object`, which is repaired there.
    pub(crate) fn describe(self, description: Description, object: &Title, repair: Repair) -> Description {
        let (hint, paste) = self.pasted(object, repair);
        description.fix(hint).paste(paste)
    }

    fn pasted(self, object: &Title, repair: Repair) -> Pasted {
        let of_account = matches!(object, Title::Object { kind: Kind::ServiceAccount, .. });
        let kubectl = |more: &str| {
            format!("kubectl annotate{more} serviceaccount{} {}", in_namespace(object), name_of(object))
        };
        match (self, repair) {
            (Self::Annotate { annotation, value, hint: [command, ..] }, Repair::Cluster) => {
                (command, Paste::Command(format!("{} {annotation}={value}", kubectl(" --overwrite"))))
            }
            (Self::Annotate { annotation, value, hint: [_, account, pod] }, Repair::Manifest) => {
                let hint = if of_account { account } else { pod };
                (hint, Paste::Manifest(annotations(annotation, &format!("\"{value}\""))))
            }
            (Self::Unannotate(annotation), Repair::Cluster) => {
                ("remove it with:", Paste::Command(format!("{} {annotation}-", kubectl(""))))
            }
            (Self::Unannotate(annotation), Repair::Manifest) => {
                ("remove it from its manifest:", Paste::Manifest(annotations(annotation, "null")))
            }
            (Self::Paste(hint, paste), _) => (hint, paste),
            (Self::ListAccounts, _) => (
                "list the ServiceAccounts of the namespace with:",
                Paste::Command(format!("kubectl get serviceaccounts{}", in_namespace(object))),
            ),
            (Self::Explain(path), _) => explain(object, &path),
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

/// The command that prints what belongs at `path` of an object.
fn explain(object: &Title, path: &Untrusted) -> Pasted {
    let path = path.as_str();
    let kind = match object {
        Title::Object { kind, .. } if !path.starts_with("request.") => kind,
        Title::Object { .. } | Title::Request | Title::Policy => {
            return ("see what a request holds:", Paste::Link(REQUESTS.to_owned()));
        }
    };
    let path = path.strip_prefix("oldObject.").unwrap_or(path);
    let names = path.split('.').map(|name| name.split('[').next().unwrap_or_default());
    let is_field =
        |name: &&str| (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    // Names below a map are chosen by the user, so the path ends there.
    let mut known = vec![kind.name().to_ascii_lowercase()];
    for name in names.take_while(is_field).take(8) {
        known.push(name.to_owned());
        if matches!(name, "labels" | "annotations" | "nodeSelector") {
            break;
        }
    }
    ("see what Kubernetes expects:", Paste::Command(format!("kubectl explain {}", known.join("."))))
}

/// What an administrator adds to `allowedIdentities`.
pub(crate) fn allow(namespace: &Untrusted, client: &ClientOf, tenant_id: &TenantId) -> Fix {
    let namespace = namespace.yaml("NAMESPACE");
    let client_id = match client {
        ClientOf::Id(id) => id.as_str(),
        ClientOf::Name(_) | ClientOf::Nothing => ClientId::PLACEHOLDER,
    };
    Fix::manifest(
        "use an identity that is allowed, or ask the policy's administrator to add to spec.settings.allowedIdentities:",
        format!(
            "- {{namespaces: [{namespace}], clientIds: [\"{client_id}\"], tenantIds: [\"{tenant_id}\"]}}"
        ),
    )
}

/// How a ServiceAccount can be read that could not be.
pub(crate) fn of_look_up(account: &Title, failure: &LookUpFailure) -> Fix {
    match failure {
        LookUpFailure::NotFound => Fix::command(
            "create it with:",
            format!("kubectl create serviceaccount{} {}", in_namespace(account), name_of(account)),
        ),
        LookUpFailure::NotGranted => Fix::manifest(
            "add to the policy's spec:",
            "contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]",
        ),
        LookUpFailure::CapabilityDenied => Fix::manifest(
            "install it as a ClusterAdmissionPolicy, or add to the PolicyServer's spec:",
            "namespacedPoliciesCapabilities: [kubernetes/get_resource]",
        ),
        LookUpFailure::Forbidden(reported) => grant(reported.as_str()),
        LookUpFailure::NotAServiceAccount => Fix::command(
            "see what the API server returns:",
            format!("kubectl get serviceaccount{} {} -o yaml", in_namespace(account), name_of(account)),
        ),
        LookUpFailure::Other(_) => Fix::command(
            "try again, or see the PolicyServer's log:",
            "kubectl logs -n kubewarden -l app.kubernetes.io/component=policy-server",
        ),
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
    Fix::command(hint, commands)
}

/// The ServiceAccount in `User "system:serviceaccount:NAMESPACE:NAME" cannot get …`.
fn account_in(reported: &str) -> Option<(&str, &str)> {
    let (_, after) = reported.split_once("\"system:serviceaccount:")?;
    let (namespace, name) = after.split_once('"')?.0.split_once(':')?;
    (is_object_name(namespace) && is_object_name(name)).then_some((namespace, name))
}
