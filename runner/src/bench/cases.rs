//! The cases that are measured: the walkthrough's request, and requests that differ from it.

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::host::{Answers, GetResource};

/// A request, and the host's answers to its look-ups.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// The payload of `validate`.
    pub payload: String,
    /// The ServiceAccount that is there, for the webhook.
    pub account: Value,
    /// The host's answers.
    pub answers: Answers,
}

const REVIEW: &str = include_str!("../../../examples/walkthrough/review.json");
const CLIENT_ID: &str = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
const TENANT_ID: &str = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";

/// A host that has nothing.
#[must_use]
pub fn no_look_up() -> Answers {
    Arc::new(|request: &GetResource| Err(request.not_found()))
}

fn account(label: &str, client_id: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": "myserviceaccount", "namespace": "default",
        "uid": "0d9a1e5e-6a0c-4d35-8a0e-1f4b9d7c2e11", "resourceVersion": "1042",
        "labels": {"azure.workload.identity/use": label},
        "annotations": {"azure.workload.identity/client-id": client_id}}})
}

fn case(name: &'static str, request: &Value, account: Value) -> Case {
    let payload = json!({"request": request, "settings": {"tenantId": TENANT_ID}}).to_string();
    let bytes = account.to_string().into_bytes();
    Case { name, payload, account, answers: Arc::new(move |_: &GetResource| Ok(bytes.clone())) }
}

fn request() -> Result<Value> {
    let review: Value = serde_json::from_str(REVIEW)?;
    review.get("request").cloned().context("the walkthrough's review has no request")
}

/// The walkthrough's request, its pod with so many containers of so many variables each.
///
/// # Errors
/// The walkthrough can't be read.
pub fn sized(name: &'static str, containers: usize, variables: usize) -> Result<Case> {
    let mut request = request()?;
    let env: Vec<Value> = (0..variables)
        .map(|index| json!({"name": format!("VARIABLE_{index}"), "value": format!("value of the variable {index}")}))
        .collect();
    let containers: Vec<Value> = (0..containers)
        .map(|index| json!({"name": format!("container-{index}"), "image": "erjosito/yadaapi:1.0", "env": env}))
        .collect();
    *request.pointer_mut("/object/spec/containers").context("the walkthrough has no containers")? =
        Value::from(containers);
    Ok(case(name, &request, account("true", CLIENT_ID)))
}

/// All cases.
///
/// # Errors
/// The walkthrough can't be read.
pub fn all() -> Result<Vec<Case>> {
    let walkthrough = request()?;
    let mut opted_out = walkthrough.clone();
    *opted_out.pointer_mut("/object/metadata/labels").context("the walkthrough has no labels")? =
        json!({"app": "yadaapi", "azure.workload.identity/use": "false"});
    Ok(vec![
        case("walkthrough", &walkthrough, account("true", CLIENT_ID)),
        case("opted-out", &opted_out, account("true", CLIENT_ID)),
        case("unlabelled-service-account", &walkthrough, account("no", CLIENT_ID)).unlabelled(),
        case("refusal", &walkthrough, account("true", "${CLIENT_ID}")),
        sized("large-pod", 50, 100)?,
        case("unrelated-deployment", &deployment(&walkthrough)?, Value::Null).without_account(),
    ])
}

impl Case {
    fn unlabelled(mut self) -> Self {
        if let Some(metadata) = self.account.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("labels");
        }
        let bytes = self.account.to_string().into_bytes();
        self.answers = Arc::new(move |_: &GetResource| Ok(bytes.clone()));
        self
    }

    /// Its ServiceAccount is `default`, which no label or annotation touches.
    fn without_account(mut self) -> Self {
        self.account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": "default", "uid": "0d9a1e5e-6a0c-4d35-8a0e-1f4b9d7c2e12"}});
        let bytes = self.account.to_string().into_bytes();
        self.answers = Arc::new(move |_: &GetResource| Ok(bytes.clone()));
        self
    }
}

/// The Deployment that makes pods like the walkthrough's, with a ServiceAccount that does not concern identity.
fn deployment(walkthrough: &Value) -> Result<Value> {
    let mut request = walkthrough.clone();
    let mut spec = request.pointer("/object/spec").cloned().context("the walkthrough has no spec")?;
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("serviceAccountName");
        spec.remove("serviceAccount");
    }
    let labels = json!({"app": "web"});
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default", "labels": labels},
        "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "strategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": spec}}});
    let kind = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let resource = json!({"group": "apps", "version": "v1", "resource": "deployments"});
    if let Some(request) = request.as_object_mut() {
        for (name, value) in [
            ("kind", kind.clone()),
            ("requestKind", kind),
            ("resource", resource.clone()),
            ("requestResource", resource),
            ("name", json!("web")),
            ("object", object),
        ] {
            request.insert(name.to_owned(), value);
        }
    }
    Ok(request)
}
