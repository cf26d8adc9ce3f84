//! Evaluates the match conditions of `deploy/base` with the API server's own CEL. They must select the right requests, and never fail.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::oracle::Oracle;

/// What Kubernetes says of a request.
#[derive(Debug, PartialEq, Deserialize)]
struct Matched {
    matches: Option<bool>,
    #[serde(default)]
    errors: Vec<String>,
}

/// The kinds in the rules: group, kind, resource.
const KINDS: [(&str, &str, &str); 9] = [
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

fn object((group, kind, _): (&str, &str, &str), metadata: &Value, template: &Value) -> Value {
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
    let spec = match kind {
        "ServiceAccount" => return object,
        "Pod" => template.get("spec").cloned().unwrap_or_default(),
        "CronJob" => json!({"jobTemplate": {"spec": {"template": template}}}),
        _ => json!({"replicas": 1, "template": template}),
    };
    if let Some(object) = object.as_object_mut() {
        object.insert("spec".to_owned(), spec);
    }
    object
}

fn request((group, kind, resource): (&str, &str, &str), operation: &str, new: &Value, old: &Value) -> Value {
    json!({"uid": "1", "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": resource},
        "name": "web", "namespace": "team", "operation": operation, "object": new, "oldObject": old})
}

/// A request, and whether the policy wants to be called.
type Expected = (Value, bool);

fn of_kind(kind: (&str, &str, &str)) -> Vec<Expected> {
    let annotated = json!({"name": "web", "annotations": {"azure.workload.identity/client-id": "x"}});
    let plain = json!({"name": "web"});
    let owned = json!({"name": "web", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1", "controller": true}]});
    let template = |image: &str| json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}});
    let make = |metadata: &Value, image: &str| object(kind, metadata, &template(image));
    let null = Value::Null;
    let is_account = kind.1 == "ServiceAccount";
    let is_pod = kind.1 == "Pod";
    let by_controller = ["ReplicaSet", "Job"].contains(&kind.1);
    let mut scaled = make(&annotated, "a");
    if let Some(spec) = scaled.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("replicas".to_owned(), json!(5));
    }
    let mut expected = vec![
        (request(kind, "CREATE", &make(&annotated, "a"), &null), true),
        (request(kind, "CREATE", &make(&plain, "a"), &null), !is_account),
        (request(kind, "CREATE", &make(&owned, "a"), &null), !is_account && !by_controller),
        (request(kind, "DELETE", &null, &make(&annotated, "a")), true),
    ];
    if !is_pod {
        expected.extend([
            (request(kind, "UPDATE", &make(&annotated, "b"), &make(&annotated, "a")), true),
            (request(kind, "UPDATE", &scaled, &make(&annotated, "a")), is_account),
            (request(kind, "UPDATE", &make(&plain, "a"), &make(&annotated, "a")), is_account),
            (request(kind, "UPDATE", &make(&plain, "a"), &make(&plain, "a")), false),
        ]);
    }
    if is_pod {
        for (label, called) in [("true", true), ("false", false), ("no", true)] {
            let labelled = json!({"name": "web", "labels": {"azure.workload.identity/use": label}});
            expected.push((request(kind, "CREATE", &make(&labelled, "a"), &null), called));
        }
    }
    if is_account {
        let misspelt = json!({"name": "web", "labels": {"azure.workload-identity/use": "true"}});
        expected.push((request(kind, "CREATE", &make(&misspelt, "a"), &null), true));
    }
    expected
}

/// Evaluates the conditions of the policies in `folder` on every kind of their rules. Returns how many requests that were.
///
/// # Errors
/// An expression fails, calls the policy when it should not, or does not call it when it should.
pub fn check(folder: &Path, program: &Path) -> Result<usize> {
    let mut kubernetes = Oracle::with_environment(program, [])?;
    let mut tried = 0;
    for file in ["policy.yaml", "checks.yaml"] {
        let policy: Value = yaml_serde::from_str(&std::fs::read_to_string(folder.join(file))?)?;
        let spec = policy.get("spec").context("a policy without spec")?;
        let rules = spec.get("rules").and_then(Value::as_array).context("no rules")?;
        let of_rules = |resource: &str| {
            rules.iter().any(|rule| {
                rule.get("resources")
                    .and_then(Value::as_array)
                    .is_some_and(|all| all.contains(&json!(resource)))
            })
        };
        for kind in KINDS.into_iter().filter(|(_, _, resource)| of_rules(resource)) {
            let expected = of_kind(kind);
            let conditions = spec.get("matchConditions");
            let questions: Vec<Value> = expected
                .iter()
                .map(|(request, _)| json!({"matchConditions": conditions, "request": request}))
                .collect();
            let answers: Vec<Matched> = kubernetes.ask_json(&questions)?;
            for ((request, called), answer) in expected.iter().zip(answers) {
                ensure!(
                    answer == Matched { matches: Some(*called), errors: Vec::new() },
                    "{file}: {answer:?} where {called} is right, for {request}"
                );
                tried += 1;
            }
        }
    }
    ensure!(tried > 50, "only {tried} requests were tried");
    Ok(tried)
}
