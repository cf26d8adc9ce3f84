//! The pods that an object would make, as its controller would create them: by the paths of its kind, or by their shape.

mod known;

use self::known::known;
pub use self::known::made_account;
use serde_json::{Map, Value, json};

use crate::{
    kinds::{is_account, is_pod, is_policy, judged, kind, name_of},
    yaml::{Step, steps, value_at, walk},
};

/// A pod that an object would make, and where its parts stand in the object.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// The pod.
    pub value: Value,
    /// Where the parts of the pod are from: the path in the pod, and the one in the object. The longest that fits counts.
    pub origins: Vec<(Vec<Step>, Vec<Step>)>,
    /// Where its labels and annotations belong.
    pub metadata: Vec<Step>,
    /// What the object calls it, as `spec.template`.
    pub path: String,
}

impl Pod {
    /// The path in the object of what stands at `path` in the pod; nothing for what the object has not.
    #[must_use]
    pub fn origin(&self, path: &[Step]) -> Option<Vec<Step>> {
        let fits = self.origins.iter().filter(|(from, _)| path.starts_with(from));
        let (from, to) = fits.max_by_key(|(from, _)| from.len())?;
        Some(to.iter().chain(path.get(from.len()..).unwrap_or_default()).cloned().collect())
    }
}

/// A template that says who its pods are, and not what runs in them: a patch, or part of what an operator completes.
#[must_use]
pub fn is_incomplete(object: &Value) -> bool {
    let mut asks = false;
    if let Some(spec) = object.get("spec").filter(|_| !is_policy(object)) {
        walk(spec, &mut Vec::new(), &mut |_, value| {
            let is_template = value.pointer("/spec/containers").is_some_and(Value::is_array);
            asks |= is_template
                && (value.pointer("/metadata/labels/azure.workload.identity~1use").is_some()
                    || value.pointer("/spec/serviceAccountName").is_some());
            !is_template && !asks
        });
    }
    asks
}

/// Where the pods of an object are.
#[derive(Debug, Clone, PartialEq)]
pub enum Pods {
    /// A workload that the policy judges: its pod.
    Workload(Box<Pod>),
    /// A kind that the policy does not know.
    Others(Vec<Pod>),
    /// A workload without containers in its template: part of a kustomization, say.
    Patch,
    /// None.
    Nothing,
}

/// The pods that `object` would make.
#[must_use]
pub fn pods(object: &Value) -> Pods {
    if is_pod(object) && object.get("spec").is_none() {
        return Pods::Patch;
    }
    if is_pod(object) || is_account(object) || kind(object) == "AdmissionReview" || is_policy(object) {
        return Pods::Nothing;
    }
    if judged(object).is_some() {
        let path = if kind(object) == "CronJob" { "spec.jobTemplate.spec.template" } else { "spec.template" };
        let template = value_at(object, &steps(path));
        return match template {
            Some(template) if template.pointer("/spec/containers").is_some_and(Value::is_array) => {
                of_template(object, object, template, steps(path))
                    .map_or(Pods::Nothing, |pod| Pods::Workload(Box::new(pod)))
            }
            Some(_) | None => Pods::Patch,
        };
    }
    let known = known(object);
    if !known.is_empty() {
        return Pods::Others(known);
    }
    let mut found = Vec::new();
    let around = Around { object, account: None };
    search(object, &mut Vec::new(), around, &mut found);
    if found.is_empty() { Pods::Nothing } else { Pods::Others(found) }
}

/// What is around a template: the nearest object with a kind and metadata, and the ServiceAccount that something around it names.
#[derive(Clone, Copy)]
struct Around<'v> {
    object: &'v Value,
    account: Option<&'v str>,
}

/// Every pod template below `value`, by its shape.
fn search(value: &Value, path: &mut Vec<Step>, around: Around, found: &mut Vec<Pod>) {
    match value {
        // A whole object of a known kind is judged for itself.
        Value::Object(_) if !path.is_empty() && judged(value).is_some() => {}
        Value::Object(_) if !path.is_empty() && is_template(value, kind(around.object)) => {
            if let Some(mut pod) = of_template(around.object, around.object, value, path.clone()) {
                if let Some(account) = around.account {
                    name_account(&mut pod.value, account);
                }
                found.push(pod);
            }
        }
        Value::Object(fields) => {
            let is_object = fields.get("kind").is_some_and(Value::is_string)
                && fields.get("metadata").is_some_and(Value::is_object);
            if is_policy(value) {
                return;
            }
            let named = ["serviceAccountName", "serviceAccount"]
                .into_iter()
                .find_map(|name| fields.get(name)?.as_str());
            let around = Around {
                object: if is_object { value } else { around.object },
                account: named.filter(|name| !name.is_empty()).or(around.account.filter(|_| !is_object)),
            };
            for (name, value) in fields {
                path.push(Step::field(name));
                search(value, path, around, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                path.push(Step::Item(index));
                search(value, path, around, found);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a value has the shape of a pod template: containers, each with a name and an image that are plain texts. A pattern or a patch of
/// some tool has wildcards, anchors or holes there.
fn is_template(value: &Value, kind: &str) -> bool {
    let is_plain =
        |text: &str| !text.is_empty() && !text.contains(['*', '?', '(', ')', '|', '<', '>', '!', ' ']);
    let plain = |container: &Value, name| container.get(name).and_then(Value::as_str).is_some_and(is_plain);
    // Knative names the one container where it has no name.
    let is_knative = kind == "Service" || kind == "Configuration" || kind == "Revision";
    let is_container = |container: &Value| {
        plain(container, "image")
            && (plain(container, "name") || (is_knative && container.get("name").is_none()))
    };
    let containers = value.pointer("/spec/containers").and_then(Value::as_array);
    containers.is_some_and(|containers| !containers.is_empty() && containers.iter().all(is_container))
}

fn name_account(pod: &mut Value, account: &str) {
    let is_named = ["/spec/serviceAccountName", "/spec/serviceAccount"]
        .iter()
        .any(|path| pod.pointer(path).and_then(Value::as_str).is_some_and(|name| !name.is_empty()));
    if let Some(spec) = pod.pointer_mut("/spec").and_then(Value::as_object_mut).filter(|_| !is_named) {
        spec.insert("serviceAccountName".to_owned(), json!(account));
    }
}

/// The pod of a template. `named` gives the name, `object` the namespace.
fn of_template(named: &Value, object: &Value, template: &Value, path: Vec<Step>) -> Option<Pod> {
    let mut pod = template.as_object()?.clone();
    let metadata = pod.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    named_as(metadata.as_object_mut()?, named, object);
    pod.insert("apiVersion".to_owned(), json!("v1"));
    pod.insert("kind".to_owned(), json!("Pod"));
    let metadata = path.iter().cloned().chain([Step::field("metadata")]).collect();
    Some(Pod {
        value: Value::Object(pod),
        path: crate::yaml::written(&path),
        origins: vec![(Vec::new(), path)],
        metadata,
    })
}

fn named_as(metadata: &mut Map<String, Value>, named: &Value, object: &Value) {
    let name = name_of(named);
    metadata.insert("generateName".to_owned(), json!(format!("{}-", name.strip_suffix('-').unwrap_or(name))));
    metadata.remove("name");
    if let Some(namespace) = object.pointer("/metadata/namespace") {
        metadata.insert("namespace".to_owned(), namespace.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(object: &Value) -> Vec<(String, Value)> {
        match pods(object) {
            Pods::Others(pods) => pods.into_iter().map(|pod| (pod.path, pod.value)).collect(),
            other @ (Pods::Workload(_) | Pods::Patch | Pods::Nothing) => panic!("{other:?}"),
        }
    }

    #[test]
    fn finds_a_template_by_its_shape_and_names_it_by_the_nearest_object() {
        let template = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
        let object = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "f", "namespace": "team"},
            "spec": {"serviceAccount": "app", "podTemplate": template}});
        let found = others(&object);
        assert_eq!(found[0].0, "spec.podTemplate");
        assert_eq!(found[0].1["spec"]["serviceAccountName"], "app");
        assert_eq!(found[0].1["metadata"], json!({"generateName": "f-", "namespace": "team"}));
        let around = json!({"apiVersion": "example.org/v1", "kind": "Wrapper", "metadata": {"name": "w", "namespace": "outer"}, "spec": {"of": object}});
        assert_eq!(others(&around)[0].1["metadata"], json!({"generateName": "f-", "namespace": "team"}));
    }

    #[test]
    fn takes_a_pattern_for_no_pod() {
        let pattern = json!({"spec": {"containers": [{"(image)": "*", "name": "a"}]}});
        for (api, kind) in [("kyverno.io/v1", "ClusterPolicy"), ("example.org/v1", "Patch")] {
            assert_eq!(
                pods(
                    &json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, "spec": {"pattern": pattern}})
                ),
                Pods::Nothing
            );
        }
        let patch = json!({"apiVersion": "kyverno.io/v1", "kind": "Policy", "spec": {"mutate": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}});
        assert_eq!(pods(&patch), Pods::Nothing);
    }

    #[test]
    fn knows_where_a_workflow_says_what_runs() {
        let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "w-", "namespace": "team"},
            "spec": {"serviceAccountName": "app", "podMetadata": {"labels": {"a": "b"}}, "templates": [{"name": "steps", "steps": []},
                {"name": "one", "script": {"image": "x", "env": [{"name": "A"}]}}]}});
        let Pods::Others(found) = pods(&object) else { panic!() };
        let pod = found.last().unwrap();
        assert_eq!(pod.value["metadata"]["labels"], json!({"a": "b"}));
        assert_eq!(pod.value["spec"]["containers"][0]["name"], "main");
        let origin = |path: &str| crate::yaml::written(&pod.origin(&steps(path)).unwrap());
        assert_eq!(origin("spec.containers[0].env[0].name"), "spec.templates[1].script.env[0].name");
        assert_eq!(origin("spec.serviceAccountName"), "spec.serviceAccountName");
        assert_eq!(origin("metadata.labels.a"), "spec.podMetadata.labels.a");
    }
}
