//! Manifests, read into the types of Kubernetes and of Kubewarden and back: a field that a type does not have is found.

use azure_workload_identity_policy::Settings;
use k8s_openapi::api::{
    admissionregistration::v1::{
        MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutatingWebhookConfiguration,
        RuleWithOperations,
    },
    apps, batch, core, rbac,
};
use kubewarden_policy_sdk::crd::policies::ClusterAdmissionPolicy;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The spec of a PolicyServer, of which the SDK has no type: the fields of Kubewarden's CRD
/// (`policies.kubewarden.io_policyservers.yaml` of 1.37).
const POLICY_SERVER: [&str; 23] = [
    "affinity",
    "annotations",
    "env",
    "image",
    "imagePullSecret",
    "insecureSources",
    "labels",
    "limits",
    "maxUnavailable",
    "metricsPort",
    "minAvailable",
    "namespacedPoliciesCapabilities",
    "priorityClassName",
    "readinessProbePort",
    "replicas",
    "requests",
    "securityContexts",
    "serviceAccountName",
    "sigstoreTrustConfig",
    "sourceAuthorities",
    "tolerations",
    "verificationConfig",
    "webhookPort",
];

/// Reads a manifest into its type and back.
pub fn check(file: &str, manifest: &Value) {
    let said = |field: &str| manifest[field].as_str().unwrap_or_default().to_owned();
    match (said("apiVersion").as_str(), said("kind").as_str()) {
        ("policies.kubewarden.io/v1", "ClusterAdmissionPolicy") => policy(file, manifest),
        ("policies.kubewarden.io/v1", "PolicyServer") => {
            let fields = manifest["spec"].as_object().unwrap();
            let unknown: Vec<_> =
                fields.keys().filter(|name| !POLICY_SERVER.contains(&name.as_str())).collect();
            assert_eq!(unknown, Vec::<&String>::new(), "{file}");
            assert!(fields.contains_key("image") && fields.contains_key("replicas"), "{file}");
        }
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration") => {
            back::<MutatingWebhookConfiguration>(file, manifest);
        }
        ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy") => {
            back::<MutatingAdmissionPolicy>(file, manifest);
        }
        ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicyBinding") => {
            back::<MutatingAdmissionPolicyBinding>(file, manifest);
        }
        ("v1", "Pod") => back::<core::v1::Pod>(file, manifest),
        ("v1", "ServiceAccount") => back::<core::v1::ServiceAccount>(file, manifest),
        ("v1", "Namespace") => back::<core::v1::Namespace>(file, manifest),
        ("apps/v1", "Deployment") => back::<apps::v1::Deployment>(file, manifest),
        ("batch/v1", "CronJob") => back::<batch::v1::CronJob>(file, manifest),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => back::<rbac::v1::ClusterRole>(file, manifest),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => {
            back::<rbac::v1::ClusterRoleBinding>(file, manifest);
        }
        // A question of the API server's, which its own description has no type of: the pods in it have one.
        ("admission.k8s.io/v1", "AdmissionReview") => {
            for pod in ["object", "oldObject"] {
                back::<core::v1::Pod>(file, &manifest["request"][pod]);
            }
        }
        // Of another project: its form is not checked here.
        ("monitoring.coreos.com/v1", "PrometheusRule") => {}
        (api_version, kind) => panic!("{file}: {api_version} {kind} is of no type that is known here"),
    }
}

fn policy(file: &str, manifest: &Value) {
    back::<ClusterAdmissionPolicy>(file, manifest);
    let spec = &manifest["spec"];
    for required in ["module", "mutating", "rules"] {
        assert!(spec.get(required).is_some(), "{file}: spec.{required} is required by the CRD");
    }
    for seconds in ["timeoutSeconds", "timeoutEvalSeconds"] {
        let seconds = spec.get(seconds).map_or(10, |seconds| seconds.as_i64().unwrap());
        assert!((2..=30).contains(&seconds), "{file}");
    }
    assert_eq!(
        spec["namespaceSelector"].get("matchLabels"),
        None,
        "{file}: Kubewarden's controller drops matchLabels"
    );
    // Who forgets the tenant is refused, by a test of its own.
    let settings = spec.get("settings").unwrap_or(&Value::Null).to_string();
    let settings =
        Settings::parse(&settings.replace("REPLACE_WITH_YOUR_TENANT_ID", "contoso.onmicrosoft.com"));
    assert!(settings.is_ok(), "{file}: {:?}", settings.err());
}

/// Reads an admission rule.
pub fn rule(file: &str, rule: &Value) {
    back::<RuleWithOperations>(file, rule);
}

fn back<T: DeserializeOwned + Serialize>(file: &str, value: &Value) {
    let typed: T =
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{file}: {error}\n{value}"));
    let back = serde_json::to_value(&typed).unwrap();
    assert!(is_kept(value, &back), "{file}: a field that the type does not have\n{value}\n{back}");
}

/// Everything of `before` is in `after`, which may have defaults besides.
fn is_kept(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => before.iter().all(|(name, value)| {
            let nothing = Value::Null;
            is_kept(value, after.get(name).unwrap_or(&nothing))
        }),
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).all(|(before, after)| is_kept(before, after))
        }
        // A quantity may be written as a number.
        (Value::Number(before), Value::String(after)) => before.to_string() == *after,
        _ => before == after,
    }
}
