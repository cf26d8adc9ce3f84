//! Admission requests, as an API server sends them.
#![allow(clippy::indexing_slicing)] // of objects that are made here

use serde_json::{Value, json};

/// A kind of object: its group, kind and resource, all of version `v1`.
pub type Kind<'k> = (&'k str, &'k str, &'k str);

/// Pods.
pub const POD: Kind = ("", "Pod", "pods");
/// `ServiceAccounts`.
pub const SERVICE_ACCOUNT: Kind = ("", "ServiceAccount", "serviceaccounts");
/// Deployments.
pub const DEPLOYMENT: Kind = ("apps", "Deployment", "deployments");

/// The creation of `object`.
#[must_use]
pub fn create((group, kind, resource): Kind, namespace: &str, object: &Value) -> Value {
    json!({
        "uid": "1",
        "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": resource},
        "name": object.pointer("/metadata/name"),
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {},
        "object": object,
        "oldObject": null,
        "dryRun": false,
    })
}

/// The update of `old` to `object`.
#[must_use]
pub fn update(kind: Kind, namespace: &str, object: &Value, old: &Value) -> Value {
    let mut request = create(kind, namespace, object);
    request["operation"] = json!("UPDATE");
    request["oldObject"] = old.clone();
    request
}

/// What `kubectl debug` sends for the running `pod`: with these ephemeral containers, and without them.
#[must_use]
pub fn debug(namespace: &str, pod: &Value, ephemeral: &Value) -> Value {
    let mut request = update(POD, namespace, pod, pod);
    request["subResource"] = json!("ephemeralcontainers");
    request["object"]["spec"]["ephemeralContainers"] = ephemeral.clone();
    request
}
