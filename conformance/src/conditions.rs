//! Evaluates the match conditions of `deploy/base` with the API server's own CEL. They must select the right requests, and never fail.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use azwi_policy::host::{Answers, GetResource, Module};
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
            (request(kind, "UPDATE", &make(&plain, "a"), &make(&annotated, "a")), true),
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

/// What the policy says of requests that the conditions of `checks.yaml` hold back, and calls that had nothing to say.
#[derive(Debug, Default)]
pub struct Called {
    /// Requests.
    pub tried: usize,
    /// Called, and nothing was said.
    pub in_vain: usize,
    /// Not called, though something would be said.
    pub missed: Vec<String>,
}

/// The metadata that a workload can have, and whether its template was judged with its owner's.
fn metadata() -> Vec<(Value, bool)> {
    let owned = |version: &str, kind: &str| {
        json!({"name": "web", "ownerReferences": [
            {"apiVersion": version, "kind": kind, "name": "web", "uid": "1", "controller": true}]})
    };
    vec![
        (json!({"name": "web"}), false),
        (json!({"name": "web", "labels": {"azure.workload.identity/use": "true"}}), false),
        (json!({"name": "web", "labels": {"app": "web"}, "annotations": {"other": "x"}}), false),
        (json!({"name": "web", "annotations": {"azure.workload.identity/skip-containers": "c"}}), false),
        (json!({"name": "web", "annotations": {"azure.workload.identity/client-id": "x"}}), false),
        (owned("apps/v1", "Deployment"), true),
        (owned("batch/v1", "CronJob"), true),
        (owned("argoproj.io/v1alpha1", "Rollout"), false),
    ]
}

fn templates() -> Vec<Value> {
    let template = |metadata: Value, image: &str| json!({"metadata": metadata, "spec": {"serviceAccountName": "web", "containers": [{"name": "c", "image": image}]}});
    vec![
        template(json!({"labels": {"app": "web"}}), "a"),
        template(json!({"labels": {"app": "web"}}), "b"),
        template(
            json!({"annotations": {"azure.workload.identity/service-account-token-expiration": "1h"}}),
            "a",
        ),
        template(json!({"labels": {"azure.workload.identity/use": "yes"}}), "a"),
    ]
}

/// Puts every change of a workload to the conditions and to the policy.
///
/// # Errors
/// One of them can't be asked.
pub fn changes(module: &Module, folder: &Path, program: &Path) -> Result<Called> {
    let mut kubernetes = Oracle::with_environment(program, [])?;
    let policy: Value = yaml_serde::from_str(&std::fs::read_to_string(folder.join("checks.yaml"))?)?;
    let conditions = policy.pointer("/spec/matchConditions");
    let settings = json!({"tenantId": "contoso.onmicrosoft.com"});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "team"}});
    let mut called = Called::default();
    for kind in KINDS.into_iter().filter(|(_, kind, _)| !["Pod", "ServiceAccount"].contains(kind)) {
        let mut objects = Vec::new();
        for (metadata, is_judged) in metadata() {
            // Only what controllers make of these two has an owner that was judged.
            let is_made = is_judged && ["ReplicaSet", "Job"].contains(&kind.1);
            objects.extend(templates().iter().map(|template| (object(kind, &metadata, template), is_made)));
        }
        let mut requests = Vec::new();
        for (new, is_made) in &objects {
            requests.push((request(kind, "CREATE", new, &Value::Null), *is_made));
            requests.extend(objects.iter().map(|(old, _)| (request(kind, "UPDATE", new, old), *is_made)));
        }
        let questions: Vec<Value> = requests
            .iter()
            .map(|(request, _)| json!({"matchConditions": conditions, "request": request}))
            .collect();
        let answers: Vec<Matched> = kubernetes.ask_json(&questions)?;
        for ((request, is_made), answer) in requests.iter().zip(answers) {
            ensure!(answer.errors.is_empty(), "{:?} for {request}", answer.errors);
            let bytes = serde_json::to_vec(&account)?;
            let holding: Answers = Arc::new(move |_: &GetResource| Ok(bytes.clone()));
            let says = !module.examine(&settings, request, holding)?.findings.is_empty();
            called.tried += 1;
            match (answer.matches, says) {
                (Some(true), false) => called.in_vain += 1,
                (Some(true), true) | (_, false) => {}
                (_, true) if *is_made => {}
                (_, true) => called.missed.push(request.to_string()),
            }
        }
    }
    Ok(called)
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
