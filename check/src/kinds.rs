//! Kinds, by group and kind: those that the policy judges, those that hold patterns and no pods, and those whose pods others make.

use serde_json::Value;

/// The kinds that the policy judges: their group, kind, and plural.
const JUDGED: &[(&str, &str, &str)] = &[
    ("", "Pod", "pods"),
    ("", "ServiceAccount", "serviceaccounts"),
    ("", "ReplicationController", "replicationcontrollers"),
    ("apps", "Deployment", "deployments"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "DaemonSet", "daemonsets"),
    ("apps", "ReplicaSet", "replicasets"),
    ("batch", "Job", "jobs"),
    ("batch", "CronJob", "cronjobs"),
];

/// Groups of policy engines: their objects hold patterns and patches, which are no pods.
const POLICIES: &[&str] = &[
    "kyverno.io",
    "policies.kyverno.io",
    "wgpolicyk8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "gatekeeper.sh",
    "policies.kubewarden.io",
    "policy.jspolicy.com",
];

/// What renders manifests in the cluster, by group and kind, and what judges them before.
const RENDERED: &[(&str, &str, &str)] = &[
    ("helm.toolkit.fluxcd.io", "HelmRelease", "helm template"),
    ("helm.cattle.io", "HelmChart", "helm template"),
    ("argoproj.io", "Application", "argocd app manifests"),
    ("argoproj.io", "ApplicationSet", "argocd app manifests"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", "flux build kustomization"),
    ("kustomize.config.k8s.io", "Kustomization", "kubectl kustomize DIR"),
];

/// Kinds whose pods can only be told when they are created, by group and kind.
const LATER: &[(&str, &str)] = &[
    ("tekton.dev", "Task"),
    ("tekton.dev", "ClusterTask"),
    ("tekton.dev", "Pipeline"),
    ("postgresql.cnpg.io", "Pooler"),
    ("kafka.strimzi.io", "KafkaMirrorMaker"),
];

/// Whether an object runs pods, which can only be told when they are created.
#[must_use]
pub fn runs_pods_later(object: &Value) -> bool {
    LATER.contains(&(group_version(object).0, kind(object)))
}

/// The object's `kind`.
#[must_use]
pub fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// The group and the version of an `apiVersion`.
#[must_use]
pub fn group_version(object: &Value) -> (&str, &str) {
    let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The plural of a kind that the policy judges.
#[must_use]
pub fn judged(object: &Value) -> Option<&'static str> {
    let ((group, _), kind) = (group_version(object), kind(object));
    JUDGED.iter().find(|(g, k, _)| (*g, *k) == (group, kind)).map(|(.., plural)| *plural)
}

/// Whether it is a ServiceAccount of Kubernetes.
#[must_use]
pub fn is_account(object: &Value) -> bool {
    kind(object) == "ServiceAccount" && group_version(object).0.is_empty()
}

/// Whether it is a pod.
#[must_use]
pub fn is_pod(object: &Value) -> bool {
    kind(object) == "Pod" && group_version(object).0.is_empty()
}

/// Whether a group is one of Kubernetes' own.
#[must_use]
pub fn is_built_in(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// A kind that no API server serves in its group, and is meant as one that the policy judges: what is meant.
#[must_use]
pub fn meant(object: &Value) -> Option<String> {
    let ((group, _), kind) = (group_version(object), kind(object));
    if !is_built_in(group) || group.ends_with(".k8s.io") || judged(object).is_some() {
        return None;
    }
    let (meant_group, meant_kind, _) =
        JUDGED.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(kind))?;
    let version = if meant_group.is_empty() { "v1".to_owned() } else { format!("{meant_group}/v1") };
    Some(if *meant_kind == kind { version } else { format!("{meant_kind} of {version}") })
}

/// Whether an object holds patterns of a policy engine, or only describes objects.
#[must_use]
pub fn is_policy(object: &Value) -> bool {
    let (group, _) = group_version(object);
    POLICIES
        .iter()
        .any(|policy| group == *policy || group.strip_suffix(policy).is_some_and(|rest| rest.ends_with('.')))
}

/// What shows the manifests that an object stands for, which something renders in the cluster.
#[must_use]
pub fn rendered(object: &Value) -> Option<&'static str> {
    let ((group, _), kind) = (group_version(object), kind(object));
    RENDERED.iter().find(|(g, k, _)| (*g, *k) == (group, kind)).map(|(.., command)| *command)
}

/// `metadata.name`, or else `metadata.generateName`.
#[must_use]
pub fn name_of(object: &Value) -> &str {
    let text = |field| object.pointer(field).and_then(Value::as_str);
    text("/metadata/name").or_else(|| text("/metadata/generateName")).unwrap_or_default()
}

/// `metadata.namespace`, or else `default`.
#[must_use]
pub fn namespace_of<'o>(object: &'o Value, default: &'o str) -> &'o str {
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    namespace.filter(|namespace| !namespace.is_empty()).unwrap_or(default)
}

/// The name of a pod's ServiceAccount; `default` where it names none.
#[must_use]
pub fn account_name(pod: &Value) -> &str {
    let name = pod.pointer("/spec/serviceAccountName").and_then(Value::as_str);
    name.filter(|name| !name.is_empty()).unwrap_or("default")
}

/// The object's label `azure.workload.identity/use`.
#[must_use]
pub fn use_label(object: &Value) -> Option<&str> {
    object.pointer("/metadata/labels/azure.workload.identity~1use").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn knows_a_kind_by_its_group() {
        let of = |api: &str, kind: &str| json!({"apiVersion": api, "kind": kind});
        assert!(
            is_account(&of("v1", "ServiceAccount"))
                && !is_account(&of("cloudplatform.gcp.upbound.io/v1beta1", "ServiceAccount"))
        );
        assert_eq!(judged(&of("batch.volcano.sh/v1alpha1", "Job")), None);
        assert_eq!(meant(&of("apps/v1", "Pod")).as_deref(), Some("v1"));
        assert_eq!(meant(&of("v1", "deployment")).as_deref(), Some("Deployment of apps/v1"));
        assert_eq!(meant(&of("batch.volcano.sh/v1alpha1", "Job")), None);
        assert!(
            is_policy(&of("constraints.gatekeeper.sh/v1", "X")) && !is_policy(&of("notkyverno.io/v1", "X"))
        );
    }
}
