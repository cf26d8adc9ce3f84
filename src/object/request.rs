//! What is asked, of which object.

use std::borrow::Cow;

use k8s_openapi::{
    Resource,
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::{CronJob, Job},
        core::v1::{Pod, ReplicationController, ServiceAccount},
    },
};

use crate::{
    json::{Cursor, FIELDS, Json, Malformed, Shape, Unreadable},
    object::{
        pod::POD,
        service_account::SERVICE_ACCOUNT,
        workload::{WORKLOAD, Workload},
    },
    value::kind::Kind,
    verdict::title::Title,
};

/// The protocol's payload; objects stay text until it is known what they are.
pub(crate) static PAYLOAD: Shape =
    Shape::Object(&[("request", &Shape::Object(&[("kind", &FIELDS), ("resource", &FIELDS)]))]);

/// An object, looked into as far as its name.
static NAMED: Shape = Shape::Object(&[("metadata", &FIELDS)]);

/// What is asked, with the object in question.
#[derive(Debug)]
pub(crate) enum Question<'t> {
    /// A pod is created, whose JSON has so many bytes.
    Pod(Json<'t>, usize),
    /// A container is added to a running pod.
    DebugContainers(Change<'t>),
    /// A ServiceAccount is created or updated.
    ServiceAccount(Change<'t>),
    /// A workload is created or updated.
    Workload(Workload, Change<'t>),
    /// Something that this policy does not handle.
    NotOurs,
}

/// An object after the change, and before it.
#[derive(Debug)]
pub(crate) struct Change<'t> {
    /// As it shall be.
    pub(crate) new: Json<'t>,
    /// As it was before an UPDATE, if that can be understood.
    pub(crate) old: Option<Json<'t>>,
    /// Bytes of its JSON, as it shall be.
    pub(crate) size: usize,
}

impl<'t> Change<'t> {
    fn read(payload: &Json<'t>, request: &Cursor<'_, '_>, shape: &'static Shape) -> Result<Self, Malformed> {
        let size = text(payload).map_or(0, str::len);
        Ok(Self { new: object(payload, request, shape)?, old: old_object(payload, shape), size })
    }
}

/// The workloads whose pod templates are judged: group, resource, kind.
const WORKLOADS: &[(&str, &str, Workload)] = &[
    direct::<Deployment>(Kind::Deployment),
    direct::<StatefulSet>(Kind::StatefulSet),
    direct::<DaemonSet>(Kind::DaemonSet),
    direct::<ReplicaSet>(Kind::ReplicaSet),
    direct::<ReplicationController>(Kind::ReplicationController),
    direct::<Job>(Kind::Job),
    (CronJob::GROUP, CronJob::URL_PATH_SEGMENT, Workload::CronJob),
];

/// A kind whose pod template is at `spec.template`.
const fn direct<K: Resource>(kind: Kind) -> (&'static str, &'static str, Workload) {
    (K::GROUP, K::URL_PATH_SEGMENT, Workload::Direct(kind))
}

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

/// Determines the question of a request, and reads its object once.
///
/// # Errors
/// A request that doesn't say so, or has no object.
pub(crate) fn question<'t>(payload: &Json<'t>, request: &Cursor<'_, '_>) -> Result<Question<'t>, Malformed> {
    let About { group, resource, sub_resource, operation } = About::read(request)?;
    if resource.is_empty() {
        return Err(unnamed_resource(request));
    }
    let change = |shape| Change::read(payload, request, shape);
    Ok(match (group.as_str(), resource.as_str(), sub_resource.as_str(), operation.as_str()) {
        (Pod::GROUP, Pod::URL_PATH_SEGMENT, "", "CREATE") => {
            Question::Pod(object(payload, request, &POD)?, text(payload).map_or(0, str::len))
        }
        (Pod::GROUP, Pod::URL_PATH_SEGMENT, "ephemeralcontainers", "UPDATE") => {
            Question::DebugContainers(change(&POD)?)
        }
        (ServiceAccount::GROUP, ServiceAccount::URL_PATH_SEGMENT, "", "CREATE" | "UPDATE") => {
            Question::ServiceAccount(change(&SERVICE_ACCOUNT)?)
        }
        (group, resource, "", "CREATE" | "UPDATE") => {
            match WORKLOADS.iter().find(|(of, plural, _)| *of == group && *plural == resource) {
                Some((_, _, kind)) => Question::Workload(*kind, change(&WORKLOAD)?),
                None => Question::NotOurs,
            }
        }
        (_, _, _, "") => {
            return Err(request
                .required("operation", "a string")
                .err()
                .unwrap_or_else(|| request.malformed("an operation")));
        }
        _ => Question::NotOurs,
    })
}

fn unnamed_resource(request: &Cursor<'_, '_>) -> Malformed {
    let missing = request.required("resource", "an object with the resource's name").err();
    missing.unwrap_or_else(|| {
        Malformed::at(format!("{}.resource.resource", request.path()), "missing", "the resource's name")
    })
}

/// What messages call the object of `request`, as far as that is known. This also works for objects that can't be understood.
#[must_use]
pub(crate) fn title(payload: &Json, request: &Cursor<'_, '_>) -> Title {
    let text = |at: &Cursor<'_, '_>, name: &str| {
        let text = at.field(name).ok().flatten().and_then(|at| at.as_text().ok().map(Cow::into_owned));
        text.filter(|text| !text.is_empty())
    };
    let kind = request.field("kind").ok().flatten().and_then(|kind| text(&kind, "kind"));
    let kinds =
        [Kind::Pod, Kind::ServiceAccount].into_iter().chain(WORKLOADS.iter().map(|(.., kind)| kind.kind()));
    let Some(kind) = kinds.into_iter().find(|known| kind.as_deref() == Some(known.name())) else {
        return Title::Request;
    };
    let object = self::text(payload).and_then(|text| Json::parse(text, &NAMED).ok());
    let named = object.as_ref().and_then(|object| {
        let root = Cursor::root("", object);
        let metadata = root.field("metadata").ok()??;
        text(&metadata, "name").or_else(|| Some(format!("{}*", text(&metadata, "generateName")?)))
    });
    match named.or_else(|| text(request, "name")) {
        Some(name) => Title::of(kind, &text(request, "namespace").unwrap_or_default(), &name),
        None => Title::Request,
    }
}

/// The way to the pod template of an object of this kind, empty for a pod; `None` for an object that has none.
pub(crate) fn template_of(kind: Kind) -> Option<&'static [&'static str]> {
    if kind == Kind::Pod {
        return Some(&[]);
    }
    WORKLOADS.iter().find(|(.., workload)| workload.kind() == kind).map(|(.., workload)| workload.path())
}

/// The request's namespace, which every object that this policy looks at has.
///
/// # Errors
/// It is missing or empty.
pub(crate) fn namespace<'t>(request: &Cursor<'_, 't>) -> Result<Cow<'t, str>, Malformed> {
    let namespace = request.required("namespace", "the object's namespace")?.as_text()?;
    if namespace.is_empty() {
        let path = format!("{}.namespace", request.path());
        return Err(Malformed::at(path, "empty", "the object's namespace"));
    }
    Ok(namespace)
}

/// The JSON of the request's object.
fn text<'t>(payload: &Json<'t>) -> Option<&'t str> {
    payload.field("request").and_then(|request| request.field("object")).and_then(Json::raw)
}

/// The request's object, looked into as far as `shape` says.
///
/// # Errors
/// No object.
fn object<'t>(
    payload: &Json<'t>,
    request: &Cursor<'_, '_>,
    shape: &'static Shape,
) -> Result<Json<'t>, Malformed> {
    let object = request.required("object", "an object")?;
    match text(payload).map(|text| Json::parse(text, shape)) {
        Some(Ok(json @ Json::Object(_))) => Ok(json),
        Some(Err(Unreadable::TooMuch)) => Err(Malformed::at(
            object.path(),
            "an object of too many fields and list items",
            "one of at most 1.5 MB, the largest that the API server stores",
        )),
        Some(Ok(Json::Raw(_) | Json::List(_)) | Err(Unreadable::NotJson(_))) | None => {
            Err(object.malformed("an object"))
        }
    }
}

/// The object before an UPDATE, looked into as far as `shape` says; `None` where there is none to be understood.
fn old_object<'t>(payload: &Json<'t>, shape: &'static Shape) -> Option<Json<'t>> {
    let text = payload.field("request")?.field("oldObject")?.raw()?;
    Json::parse(text, shape).ok().filter(|json| matches!(json, Json::Object(_)))
}
