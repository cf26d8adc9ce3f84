//! What the tests share: the module, a cluster made of values, and requests as an API server sends them.
#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate
)] // a test may fail

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use azure_workload_identity_policy::{
    Freshness, LogLevel, LookUpFailure, Reference, ServiceAccount, admission,
};
use azwi_policy::{
    host::{Answers, Evaluation, GetResource, HostCalls, Module, callback_failure},
    response::{AdmissionResponse, ValidationResponse},
};
pub use laws::requests;
use serde_json::{Value, json};

/// The module, compiled once for each test program.
pub static MODULE: LazyLock<Module> = LazyLock::new(|| {
    Module::from_file(Path::new(POLICY)).expect("policy.wasm: build it with `make policy.wasm`")
});

/// The program that runs the module without a cluster, and the module's file.
pub const RUNNER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/host/azwi-policy");
pub const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policy.wasm");

/// The repository.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub const CLIENT_ID: &str = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
pub const TENANT_ID: &str = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";
pub const VOLUME: &str = "azure-workload-identity-reserved-d3f089d52aa311812405d5d067015a";
pub const MOUNT: &str = "/var/run/secrets/azure/wi/d3f089d52aa311812405d5d067015a";
pub const TOKEN_FILE: &str =
    "/var/run/secrets/azure/wi/d3f089d52aa311812405d5d067015a/token/azure-identity-token";

pub fn file(path: &str) -> String {
    let path = Path::new(ROOT).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn settings() -> Value {
    json!({"tenantId": TENANT_ID})
}

/// The settings of the walkthrough, and more.
pub fn with(more: &Value) -> Value {
    let mut settings = settings();
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

/// A labelled ServiceAccount with these annotations, whose names are given without their prefix.
pub fn service_account(annotations: &Value) -> Value {
    let annotations: serde_json::Map<String, Value> = annotations
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (format!("azure.workload.identity/{name}"), value.clone()))
        .collect();
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": "myserviceaccount", "namespace": "default",
        "labels": {"azure.workload.identity/use": "true"}, "annotations": annotations}})
}

pub fn yada_account() -> Value {
    service_account(&json!({"client-id": CLIENT_ID}))
}

/// A host that has one ServiceAccount, whatever it is asked.
pub fn holding(account: &Value) -> Answers {
    let account = account.to_string();
    Arc::new(move |_: &GetResource| Ok(account.clone().into_bytes()))
}

/// A host that fails with this text.
pub fn failing(text: &str) -> Answers {
    let text = text.to_owned();
    Arc::new(move |_: &GetResource| Err(text.clone()))
}

pub fn not_found() -> Answers {
    Arc::new(|request: &GetResource| Err(callback_failure(&request.not_found())))
}

/// A host that must not be asked.
pub fn no_look_up() -> Answers {
    Arc::new(|request: &GetResource| panic!("the host was asked for {request:?}"))
}

/// The walkthrough's request, changed.
pub fn yada(change: impl FnOnce(&mut Value)) -> Value {
    let review: Value = serde_json::from_str(&file("examples/walkthrough/review.json")).unwrap();
    let mut request = review["request"].clone();
    change(&mut request["object"]);
    request
}

pub fn label(pod: &mut Value, value: &str) {
    pod["metadata"]["labels"]["azure.workload.identity/use"] = json!(value);
}

pub fn annotate(pod: &mut Value, name: &str, value: &str) {
    pod["metadata"]["annotations"][format!("azure.workload.identity/{name}")] = json!(value);
}

/// What the module says; with the environment variable `NATIVE` what the library says, for `make mutants`, which changes that.
pub fn evaluate(settings: &Value, request: &Value, answers: Answers) -> Evaluation {
    if std::env::var_os("NATIVE").is_some() {
        return natively(settings, request, &answers);
    }
    MODULE.evaluate(settings, request, answers).unwrap()
}

fn natively(settings: &Value, request: &Value, answers: &Answers) -> Evaluation {
    let mut calls = HostCalls::default();
    let payload = json!({"request": request, "settings": settings}).to_string();
    let mut look_up = |reference: &Reference, freshness: Freshness| {
        let asked = GetResource {
            api_version: "v1".to_owned(),
            kind: "ServiceAccount".to_owned(),
            name: reference.name.as_str().to_owned(),
            namespace: Some(reference.namespace.as_str().to_owned()),
            disable_cache: freshness == Freshness::Fresh,
            field_masks: None,
        };
        calls.look_ups.push(asked.clone());
        let answer = answers(&asked).map_err(|text| LookUpFailure::classify(&text))?;
        let answer = String::from_utf8(answer).map_err(|_| LookUpFailure::NotAServiceAccount)?;
        ServiceAccount::from_answer(reference.clone(), &answer).ok_or(LookUpFailure::NotAServiceAccount)
    };
    let verdict = admission::validate(payload.as_bytes(), &mut look_up).unwrap();
    calls.log.extend(verdict.log_event().map(|event| {
        let level = if event.level == LogLevel::Info { "info" } else { "warning" };
        let mut line = json!({"level": level, "message": event.message});
        line.as_object_mut()
            .unwrap()
            .extend(event.fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
        line
    }));
    let answer: ValidationResponse = serde_json::from_slice(&verdict.into_response()).unwrap();
    let uid = request["uid"].as_str().unwrap_or_default();
    let response = AdmissionResponse::of(uid, request.get("object"), &answer).unwrap();
    Evaluation { response, answer: Some(answer), calls }
}

/// The pod as the API server would store it; panics where it is refused.
pub fn admitted(settings: &Value, request: &Value, answers: Answers) -> (Value, AdmissionResponse) {
    let response = evaluate(settings, request, answers).response;
    assert!(response.allowed, "refused: {}", response.message());
    (response.apply(&request["object"]).unwrap(), response)
}

/// The message and the code of a refusal.
pub fn refused(settings: &Value, request: &Value, answers: Answers) -> (String, u16) {
    let evaluation = evaluate(settings, request, answers);
    let response = evaluation.response;
    assert!(!response.allowed, "allowed: {response:?}");
    assert_eq!((&response.patch, evaluation.answer.unwrap().mutated_object), (&None, None));
    (response.message().to_owned(), response.status.unwrap().code.unwrap())
}

pub fn warnings(response: &AdmissionResponse) -> Vec<String> {
    response.warnings.clone().unwrap_or_default()
}

pub fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

/// The four variables of an identity, as they are written.
pub const FOUR: [&str; 4] =
    ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];

/// A workload of this group, kind and resource whose template is YADA's pod, changed.
pub fn workload(kind: requests::Kind, change: impl FnOnce(&mut Value)) -> Value {
    let pod = yada(|_| ())["object"].clone();
    let mut template = json!({"metadata": {"labels": {"app": "yadaapi"}}, "spec": pod["spec"]});
    change(&mut template);
    let spec = if kind.1 == "CronJob" {
        json!({"jobTemplate": {"spec": {"template": template}}})
    } else {
        json!({"template": template})
    };
    requests::create(
        kind,
        "default",
        &json!({"metadata": {"name": "web", "namespace": "default"}, "spec": spec}),
    )
}

/// A Deployment whose template is YADA's pod, changed.
pub fn deployment(change: impl FnOnce(&mut Value)) -> Value {
    workload(requests::DEPLOYMENT, change)
}

/// The fenced blocks of a language, indented ones too.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() == format!("```{language}") {
            let indent = line.len() - line.trim_start().len();
            let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
            blocks.push(
                block.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n"),
            );
        }
    }
    blocks
}

/// What `kubectl debug` sends for the running `pod`, with this ephemeral container.
pub fn debugging(pod: &Value, debugger: &Value) -> Value {
    requests::debug("default", pod, &json!([debugger]))
}

/// A client ID and a tenant that no settings of the tests allow.
pub const OTHER: &str = "11111111-2222-4333-8444-555555555555";
pub const OTHER_TENANT: &str = "99999999-51c6-4e0b-9a77-3b8f6d20c4e1";

/// The namespace may use the walkthrough's identity alone.
pub fn governed() -> Value {
    with(&json!({"allowedIdentities": [walkthroughs_alone()]}))
}

/// The entry of `allowedIdentities` for that.
pub fn walkthroughs_alone() -> Value {
    json!({"namespaces": ["default"], "clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]})
}

/// A volume that projects a token.
pub fn token(name: &str, audience: &str, path: &str) -> Value {
    json!({"name": name, "projected": {"sources": [{"serviceAccountToken": {"path": path, "audience": audience}}]}})
}
