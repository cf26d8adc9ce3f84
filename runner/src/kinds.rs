//! Kinds that the policy does not judge, and that run pods all the same.

use serde_json::Value;

use crate::manifests::kind;

/// Fields by which Tekton's tasks, Argo's workflows, Spark's applications and others say what runs in their pods.
const FIELDS: [&str; 8] = [
    "serviceAccountName",
    "serviceAccount",
    "podTemplate",
    "container",
    "script",
    "steps",
    "driver",
    "executor",
];

/// What renders manifests in the cluster: Flux, K3s and Argo CD.
const RENDERED: [&str; 4] = ["HelmRelease", "HelmChart", "Application", "ApplicationSet"];

/// Whether an object that is not judged is about pods, by its fields, or speaks of workload identity.
#[must_use]
pub fn runs_pods(object: &Value) -> bool {
    // A definition has such fields too, but says only that others have them.
    let is_definition = kind(object) == "CustomResourceDefinition";
    let is_rendered = RENDERED.contains(&kind(object));
    !is_definition
        && (is_rendered
            || object.to_string().contains("azure.workload.identity/")
            || object.get("spec").is_some_and(has_field))
}

fn has_field(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| (FIELDS.contains(&name.as_str()) && !value.is_null()) || has_field(value)),
        Value::Array(items) => items.iter().any(has_field),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn knows_by_its_fields_what_runs_pods() {
        for object in [
            json!({"kind": "Task", "spec": {"steps": [{"name": "build", "image": "x"}]}}),
            json!({"kind": "Workflow", "spec": {"templates": [{"container": {"image": "x"}}]}}),
            json!({"kind": "SparkApplication", "spec": {"driver": {"serviceAccount": "spark"}}}),
            json!({"kind": "HelmRelease", "spec": {"chart": {}}}),
            json!({"kind": "SecretStore", "metadata": {"annotations": {"azure.workload.identity/client-id": "x"}}}),
        ] {
            assert!(runs_pods(&object), "{object}");
        }
        for object in [
            json!({"kind": "Service", "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
            json!({"kind": "CustomResourceDefinition", "spec": {"steps": {"type": "array"}}}),
            json!({"kind": "ConfigMap", "data": {"script": "x"}}),
        ] {
            assert!(!runs_pods(&object), "{object}");
        }
    }
}
