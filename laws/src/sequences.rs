//! Requests that come one after another: an object and its update, a pod and its second pass; and what must hold between them.
#![allow(clippy::indexing_slicing)] // fields of JSON objects that are made a line above

use proptest::{option::weighted, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{hold, pods, texts};

/// Settings, and what the host answers to a look-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The policy's settings.
    pub settings: Value,
    /// The ServiceAccount, where there is one.
    pub account: Option<Value>,
}

/// What is tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Sequence {
    /// A ServiceAccount, before and after an update.
    Account(Value, Value),
    /// A Deployment, before and after an update.
    Workload(Value, Value),
    /// A pod, and the debug containers that it gets.
    Debug(Value, Value),
    /// A pod that goes through twice.
    Passes(Value),
}

impl Sequence {
    /// The objects that are put to the policy.
    pub fn objects(&mut self) -> Vec<&mut Value> {
        match self {
            Self::Account(old, new) | Self::Workload(old, new) | Self::Debug(old, new) => vec![old, new],
            Self::Passes(pod) => vec![pod],
        }
    }
}

/// How the policy is asked: settings, request, and the ServiceAccount that is there; the answer, with its findings where there are any, and the
/// lines that it logged.
pub type Ask<'a> = &'a mut dyn FnMut(&Cluster, &Value) -> (Value, Vec<Value>);

/// Settings of any kind that are valid.
pub fn settings() -> impl Strategy<Value = Value> {
    let id = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
    let allowed = select(vec![
        json!([]),
        json!([{"clientIds": [id]}]),
        json!([{"namespaces": ["te*"], "tenantIds": ["contoso.onmicrosoft.com"]}, {"namespaces": ["team"]}]),
    ]);
    let extra = select(vec![
        json!([{"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}]),
        json!([{"name": "V1", "value": ""}, {"name": "V2", "value": "x"}]),
    ]);
    let identities = select(vec![
        json!({"payments": {"clientId": OTHER, "tenantId": "contoso.onmicrosoft.com", "tokenExpirationSeconds": 7200}, "web": {"clientId": id}}),
        json!({}),
    ]);
    let skipped = select(vec![json!(["c1", "azwi-*"]), json!(["d*", "i0"]), json!([])]);
    let names = (weighted(0.4, identities), weighted(0.2, skipped));
    let fields = (
        select(&["Any", "Pod", "ServiceAccount"][..]),
        weighted(0.7, Just("2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1")),
        select(&["PerPod", "Fixed", "Legacy"][..]),
        select(&["Off", "Warn", "Enforce"][..]),
        any::<bool>(),
        weighted(0.3, allowed),
        weighted(0.3, extra),
        select(&["Fresh", "Cached"][..]),
        (select(&["Refuse", "Admit"][..]), names),
    );
    fields.prop_map(|(trigger, tenant, layout, preflight, required, allowed, extra, look_up, (failure, names))| {
        let mut settings = json!({"trigger": trigger, "layout": layout, "preflight": preflight, "requireClientId": required,
            "lookUp": look_up, "onLookupFailure": failure});
        let (identities, skipped) = names;
        let optional = [
            ("tenantId", tenant.map(Value::from)),
            ("identities", identities),
            ("skipContainers", skipped),
            ("allowedIdentities", allowed),
            ("extraEnv", extra),
        ];
        for (field, value) in optional {
            if let Some(value) = value {
                settings[field] = value;
            }
        }
        settings
    })
}

/// A cluster, where the ServiceAccount may say anything.
pub fn cluster() -> impl Strategy<Value = Cluster> {
    let account = weighted(0.9, named_account());
    (settings(), account).prop_map(|(settings, account)| Cluster { settings, account })
}

/// A client ID that no entry of `allowedIdentities` has.
const OTHER: &str = "11111111-2222-4333-8444-555555555555";

/// `value` with one more annotation of workload identity.
fn annotated(mut value: Value, annotation: Option<(&str, &str)>) -> Value {
    let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(((name, text), metadata)) = annotation.zip(metadata) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(format!("azure.workload.identity/{name}"), json!(text));
        }
    }
    value
}

/// A ServiceAccount, which can name its identity.
fn named_account() -> impl Strategy<Value = Value> {
    let names = select(&["payments", "web", "paymnets", "", "a\u{200b};b"][..]);
    let named = (pods::account("web"), weighted(0.3, names));
    let named = named.prop_map(|(account, name)| annotated(account, name.map(|name| ("identity", name))));
    perhaps_corrupted(named.boxed())
}

/// One in four values unchanged, the others with texts that must not be printed unescaped.
fn perhaps_corrupted(values: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    (values, weighted(0.25, texts::changes())).prop_map(|(value, changes)| match changes {
        Some(changes) => texts::corrupted(value, &changes),
        None => value,
    })
}

fn pod() -> impl Strategy<Value = Value> {
    let lists = select(
        &[
            "c0=payments",
            "c0=payments; c1 = 11111111-2222-4333-8444-555555555555",
            "c1=web;i0=payments",
            "c0=paymnets;absent=web",
            "c0",
            "c0=web;c0=payments",
            ";;",
        ][..],
    );
    let pods = (pods::template(), weighted(0.3, lists));
    let pods = pods.prop_map(|(pod, list)| annotated(pod, list.map(|list| ("container-identities", list))));
    perhaps_corrupted(pods.boxed()).prop_map(|mut pod| {
        if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("serviceAccountName".to_owned(), json!("web"));
        }
        if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("name".to_owned(), json!("web"));
        }
        pod
    })
}

/// An object, and the same or another one after it.
fn change(values: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = (Value, Value)> {
    (values.clone(), weighted(0.7, values)).prop_map(|(old, new)| {
        let new = new.unwrap_or_else(|| old.clone());
        (old, new)
    })
}

/// Any of them.
pub fn sequence() -> impl Strategy<Value = Sequence> {
    let account = change(named_account().boxed());
    let deployment =
        pod().prop_map(|pod| json!({"metadata": {"name": "web"}, "spec": {"template": pod}})).boxed();
    let debug = prop::collection::vec(
        (select(&["d0", "d1", "d2"][..]), any::<bool>()).prop_map(|(name, own)| {
            let env = json!([{"name": "AZURE_CLIENT_ID", "value": "11111111-2222-4333-8444-555555555555"}]);
            if own { json!({"name": name, "env": env}) } else { json!({"name": name}) }
        }),
        1..4,
    );
    prop_oneof![
        account.prop_map(|(old, new)| Sequence::Account(old, new)),
        change(deployment).prop_map(|(old, new)| Sequence::Workload(old, new)),
        (pod(), debug).prop_map(|(pod, containers)| Sequence::Debug(pod, json!(containers))),
        pod().prop_map(Sequence::Passes),
    ]
}

fn request(kind: (&str, &str, &str), old: Option<&Value>, new: &Value) -> Value {
    let (group, kind, resource) = kind;
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    json!({"uid": "1", "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": resource},
        "namespace": "team", "operation": operation, "userInfo": {}, "object": new, "oldObject": old})
}

/// Puts the sequence to the policy.
///
/// # Errors
/// The law that does not hold, and the answer that breaks it.
pub fn check(cluster: &Cluster, sequence: &Sequence, ask: Ask) -> Result<(), String> {
    let mut ask = |request: &Value| -> Result<Value, String> {
        let (response, log) = ask(cluster, request);
        hold::answer(&response, &log).map_err(|law| format!("{law}: {response} {log:?}"))?;
        Ok(response)
    };
    match sequence {
        Sequence::Account(old, new) => account(old, new, &mut ask),
        Sequence::Workload(old, new) => workload(old, new, &mut ask),
        Sequence::Debug(pod, containers) => debug(cluster, pod, containers, &mut ask),
        Sequence::Passes(pod) => passes(cluster, pod, &mut ask).map(drop),
    }
}

type Answers<'a> = &'a mut dyn FnMut(&Value) -> Result<Value, String>;

const ACCOUNTS: (&str, &str, &str) = ("", "ServiceAccount", "serviceaccounts");
const DEPLOYMENTS: (&str, &str, &str) = ("apps", "Deployment", "deployments");
const PODS: (&str, &str, &str) = ("", "Pod", "pods");

fn law(holds: bool, law: &str, answers: &[&Value]) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{law}: {answers:?}")) }
}

fn account(old: &Value, new: &Value, ask: Answers) -> Result<(), String> {
    let created = ask(&request(ACCOUNTS, None, new))?;
    let updated = ask(&request(ACCOUNTS, Some(old), new))?;
    let kept = ask(&request(ACCOUNTS, Some(new), new))?;
    let rules = created["findings"].as_array().into_iter().flatten();
    let readable =
        rules.into_iter().all(|finding| finding["rule"] != "malformed" && finding["rule"] != "unquoted");
    law(kept["accepted"] == true || !readable, "an update that changes nothing is refused", &[&kept])?;
    law(
        created["accepted"] == false || updated["accepted"] == true,
        "an update is refused, its creation is not",
        &[&updated, &created],
    )
}

fn workload(old: &Value, new: &Value, ask: Answers) -> Result<(), String> {
    let created = ask(&request(DEPLOYMENTS, None, new))?;
    let updated = ask(&request(DEPLOYMENTS, Some(old), new))?;
    let kept = ask(&request(DEPLOYMENTS, Some(new), new))?;
    law(kept == json!({"accepted": true}), "an update that changes nothing is judged", &[&kept])?;
    law(
        old == new || updated == created || updated == json!({"accepted": true}),
        "an update is judged differently",
        &[&updated, &created],
    )
}

/// The pod as it comes out of two passes.
fn passes(cluster: &Cluster, pod: &Value, ask: Answers) -> Result<Option<Value>, String> {
    let first = ask(&request(PODS, None, pod))?;
    let after = first.get("mutated_object").unwrap_or(pod);
    hold::audit_is_true(&first, after).map_err(|law| format!("{law}: {first}"))?;
    let Some(once) = first.get("mutated_object") else { return Ok(None) };
    hold::nothing_twice(pod, once).map_err(|law| format!("{law}: {once}"))?;
    law(is_governed(cluster, pod, once), "an id that is not allowed is injected", &[once])?;
    let second = ask(&request(PODS, None, once))?;
    let unchanged = second["accepted"] == true && second.get("mutated_object").is_none();
    law(unchanged || !has_its_volumes(pod), "a second pass changes something", &[once, &second])?;
    Ok(Some(once.clone()))
}

/// The containers in these lists of a pod.
fn containers<'p>(pod: &'p Value, lists: &[&str]) -> impl Iterator<Item = &'p Value> {
    lists.iter().filter_map(|list| pod.get("spec")?.get(list)?.as_array()).flatten()
}

/// Whether every mount is of a volume that is there: the API server refuses a pod otherwise, so it has no passes.
fn has_its_volumes(pod: &Value) -> bool {
    let names = |list: Option<&Value>| -> Vec<Value> {
        let entries = list.and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(|entry| entry.get("name").cloned()).collect()
    };
    let volumes = names(pod.pointer("/spec/volumes"));
    containers(pod, &["initContainers", "containers"])
        .all(|container| names(container.get("volumeMounts")).iter().all(|name| volumes.contains(name)))
}

/// Whether every container that was changed uses an allowed id, where the one entry of `allowedIdentities` lists them.
fn is_governed(cluster: &Cluster, before: &Value, after: &Value) -> bool {
    let Some(Value::Array(allowed)) = cluster.settings.pointer("/allowedIdentities/0/clientIds") else {
        return true;
    };
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let old: Vec<&Value> = containers(before, &lists).collect();
    containers(after, &lists).filter(|container| !old.contains(container)).all(|container| {
        let env = container.get("env").and_then(Value::as_array).into_iter().flatten();
        let mut ids = env.filter(|env| env.get("name") == Some(&json!("AZURE_CLIENT_ID")));
        ids.all(|id| {
            let id = id.get("value").and_then(Value::as_str).unwrap_or_default();
            // An empty ID counts as missing.
            id.is_empty()
                || allowed
                    .iter()
                    .any(|known| known.as_str().is_some_and(|known| known.eq_ignore_ascii_case(id)))
        })
    })
}

/// A pod that has nothing but these debug containers.
fn debugged_only(containers: &Value) -> Value {
    json!({"spec": {"ephemeralContainers": containers}})
}

fn debug(cluster: &Cluster, pod: &Value, containers: &Value, ask: Answers) -> Result<(), String> {
    let Some(running) = passes(cluster, pod, ask)? else { return Ok(()) };
    let mut debugged = running.clone();
    debugged["spec"]["ephemeralContainers"] = containers.clone();
    let ask_for = |pod: &Value, ask: Answers| {
        let mut request = request(PODS, Some(&running), pod);
        request["subResource"] = json!("ephemeralcontainers");
        ask(&request)
    };
    let first = ask_for(&debugged, ask)?;
    // Fields that the API server drops after admission must not bypass a check.
    let mut dressed = debugged.clone();
    dressed["metadata"]["annotations"] =
        json!({"azure.workload.identity/skip-containers": "d0;d1;d2", "kubernetes.io/config.mirror": "x"});
    dressed["metadata"]["labels"] = json!({"azure.workload.identity/use": "false"});
    dressed["spec"]["volumes"] = json!([]);
    dressed["spec"]["containers"] = json!([{"name": "c0"}]);
    let other = ask_for(&dressed, ask)?;
    let equipped = |answer: &Value| answer.pointer("/mutated_object/spec/ephemeralContainers").cloned();
    let same = other["accepted"] == first["accepted"] && equipped(&other) == equipped(&first);
    law(same, "a debug request changes how it is judged", &[&first, &other])?;
    let unchanged = json!({"spec": {"ephemeralContainers": []}});
    let governed = first["accepted"] == false || is_governed(cluster, &unchanged, &debugged_only(containers));
    law(governed, "a debug container brings an id that is not allowed", &[&first])?;
    hold::audit_is_true(&first, first.get("mutated_object").unwrap_or(&debugged))
        .map_err(|law| format!("{law}: {first}"))?;
    let Some(once) = first.get("mutated_object") else { return Ok(()) };
    hold::nothing_twice(&debugged, once).map_err(|law| format!("{law}: {once}"))?;
    let mut rest = once.clone();
    rest["spec"]["ephemeralContainers"] = containers.clone();
    law(rest == debugged, "more than the debug containers changes", &[once])?;
    let audited = first.pointer("/audit_annotations/subject").is_some();
    law(audited, "a debug container gets an identity without a trace", &[&first])?;
    law(is_governed(cluster, &debugged, once), "a debug container gets an id that is not allowed", &[once])?;
    let second = ask_for(once, ask)?;
    law(second.get("mutated_object").is_none(), "a second pass changes a debug container", &[once, &second])
}
