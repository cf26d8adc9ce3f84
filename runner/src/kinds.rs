//! The kinds that the policy judges, and those that run pods all the same.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// The table of kinds, by name and by field. The playground reads the same table.
#[derive(Deserialize)]
struct Kinds {
    /// The kinds that the policy judges, each with the plural by which the API server calls it.
    judged: Vec<(String, String)>,
    /// Fields by which Tekton's tasks, Argo's workflows, Spark's applications and others say what runs in their pods.
    fields: Vec<String>,
    /// What renders manifests in the cluster: Flux, K3s and Argo CD.
    rendered: Vec<String>,
}

static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    let table = serde_json::from_str(include_str!("kinds.json"));
    // A test reads it.
    table.unwrap_or(Kinds { judged: Vec::new(), fields: Vec::new(), rendered: Vec::new() })
});

/// The kinds that the policy judges, each with its plural.
pub fn judged() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.judged.iter().map(|(kind, plural)| (kind.as_str(), plural.as_str()))
}

/// Whether an object that is not judged is about pods, by its fields, or speaks of workload identity.
#[must_use]
pub fn runs_pods(object: &Value) -> bool {
    // A definition contains such fields, too, but only describes those of other objects.
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let is_definition = kind == "CustomResourceDefinition";
    let is_rendered = KINDS.rendered.iter().any(|rendered| rendered == kind);
    !is_definition
        && (is_rendered
            || object.to_string().contains("azure.workload.identity/")
            || object.get("spec").is_some_and(has_field))
}

fn has_field(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| (KINDS.fields.contains(name) && !value.is_null()) || has_field(value)),
        Value::Array(items) => items.iter().any(has_field),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn has_a_table_that_can_be_read() {
        assert_eq!((judged().count(), KINDS.fields.len(), KINDS.rendered.len()), (9, 8, 4));
    }

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
