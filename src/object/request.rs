//! Payload bytes → question: what is asked, of which object.

use crate::{
    json::{Cursor, FIELDS, Json, Malformed, Shape},
    object::workload::Workload,
};

/// The protocol's payload; objects stay text until it is known what they are.
pub static PAYLOAD: Shape =
    Shape::Object(&[("request", &Shape::Object(&[("kind", &FIELDS), ("resource", &FIELDS)]))]);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A pod is created.
    Pod,
    /// A container is added to a running pod.
    DebugContainers,
    /// A ServiceAccount is created or updated.
    ServiceAccount,
    /// A workload is created or updated.
    Workload(Workload),
    /// Nothing that this policy looks at.
    NotOurs,
}

/// The workloads whose pod templates are judged: group, resource, kind.
const WORKLOADS: &[(&str, &str, Workload)] = &[
    ("apps", "deployments", Workload::Direct("Deployment")),
    ("apps", "statefulsets", Workload::Direct("StatefulSet")),
    ("apps", "daemonsets", Workload::Direct("DaemonSet")),
    ("apps", "replicasets", Workload::Direct("ReplicaSet")),
    ("", "replicationcontrollers", Workload::Direct("ReplicationController")),
    ("batch", "jobs", Workload::Direct("Job")),
    ("batch", "cronjobs", Workload::CronJob),
];

/// What the request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct About {
    group: String,
    resource: String,
    sub_resource: String,
    operation: String,
}

impl About {
    /// `resource` says it; a request written by hand may only have `kind`.
    fn read(request: &Cursor<'_, '_>) -> Result<Self, Malformed> {
        let text = |at: &Cursor<'_, '_>, name: &str| -> Result<String, Malformed> {
            Ok(at.field(name)?.map(|at| at.as_text()).transpose()?.unwrap_or_default().into_owned())
        };
        let (group, resource) = match request.field("resource")? {
            Some(resource) => (text(&resource, "group")?, text(&resource, "resource")?),
            None => (String::new(), String::new()),
        };
        let (group, resource) = match request.field("kind")? {
            Some(kind) if resource.is_empty() => {
                (text(&kind, "group")?, format!("{}s", text(&kind, "kind")?.to_ascii_lowercase()))
            }
            Some(_) | None => (group, resource),
        };
        let sub_resource = match text(request, "subResource")? {
            sub_resource if sub_resource.is_empty() => text(request, "sub_resource")?,
            sub_resource => sub_resource,
        };
        Ok(Self { group, resource, sub_resource, operation: text(request, "operation")? })
    }
}

/// Tells what is asked.
///
/// # Errors
/// A request that doesn't say so.
pub fn question(request: &Cursor<'_, '_>) -> Result<Question, Malformed> {
    let About { group, resource, sub_resource, operation } = About::read(request)?;
    if resource.is_empty() {
        return Err(request.required("resource", "an object with the resource's name").err().unwrap_or_else(
            || Malformed {
                path: format!("{}.resource.resource", request.path()),
                found: "missing",
                expected: "the resource's name",
            },
        ));
    }
    Ok(match (group.as_str(), resource.as_str(), sub_resource.as_str(), operation.as_str()) {
        ("", "pods", "", "CREATE") => Question::Pod,
        ("", "pods", "ephemeralcontainers", "UPDATE") => Question::DebugContainers,
        ("", "serviceaccounts", "", "CREATE" | "UPDATE") => Question::ServiceAccount,
        (group, resource, "", "CREATE" | "UPDATE") => {
            let kind = WORKLOADS.iter().find(|(of, plural, _)| *of == group && *plural == resource);
            kind.map_or(Question::NotOurs, |(_, _, kind)| Question::Workload(*kind))
        }
        ("", "pods", "", "") => {
            return Err(request
                .required("operation", "a string")
                .err()
                .unwrap_or_else(|| request.malformed("an operation")));
        }
        _ => Question::NotOurs,
    })
}

/// The request's object, looked into as far as `shape` says.
///
/// # Errors
/// No object.
pub fn object<'t>(
    payload: &Json<'t>,
    request: &Cursor<'_, '_>,
    shape: &'static Shape,
) -> Result<Json<'t>, Malformed> {
    let object = request.required("object", "an object")?;
    let text = payload.field("request").and_then(|request| request.field("object")).and_then(Json::raw);
    let json =
        text.and_then(|text| Json::parse(text, shape).ok()).ok_or_else(|| object.malformed("an object"))?;
    if matches!(json, Json::Object(_)) { Ok(json) } else { Err(object.malformed("an object")) }
}

/// The object before an UPDATE, looked into as far as `shape` says; `None` where there is none to be understood.
#[must_use]
pub fn old_object<'t>(payload: &Json<'t>, shape: &'static Shape) -> Option<Json<'t>> {
    let text = payload.field("request")?.field("oldObject")?.raw()?;
    Json::parse(text, shape).ok().filter(|json| matches!(json, Json::Object(_)))
}
