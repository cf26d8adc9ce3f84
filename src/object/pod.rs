//! A pod, or the pod template of a workload, as far as identity goes: object → facts.

use std::borrow::Cow;

use crate::{
    json::{Cursor, FIELDS, ITEMS, Json, Malformed, Shape, text_of},
    object::{
        annotations::Annotations,
        service_account::{Reference, WrongValue},
    },
    value::{names, token::PodName, use_label::UseLabel},
    verdict::{Code, Fault, Refusal},
};

/// A pod whose spec is not looked into yet.
pub static POD: Shape =
    Shape::Object(&[("metadata", &Shape::Object(&[("labels", &FIELDS), ("annotations", &FIELDS)]))]);

/// A container, looked into where the policy reads or writes.
pub static CONTAINER: Shape = Shape::Object(&[("env", &ITEMS), ("volumeMounts", &ITEMS)]);
static CONTAINERS: Shape = Shape::List(&CONTAINER);

/// A pod's spec, looked into where the policy reads or writes.
pub static SPEC: Shape = Shape::Object(&[
    ("containers", &CONTAINERS),
    ("initContainers", &CONTAINERS),
    ("ephemeralContainers", &CONTAINERS),
    ("volumes", &ITEMS),
    ("securityContext", &FIELDS),
    ("os", &FIELDS),
    ("nodeSelector", &FIELDS),
]);

/// What the metadata says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// `metadata.name` or `metadata.generateName`.
    pub name: PodName,
    /// The label `azure.workload.identity/use`.
    pub label: UseLabel,
    /// The annotations of workload identity.
    pub annotations: Annotations,
    /// Whether it mirrors a static pod, which can't use a projected token.
    pub kind: PodKind,
    /// The label of the retired aad-pod-identity, where it is there.
    pub retired_binding: Option<String>,
}

/// Static pods are mirrored in the API server; all others are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodKind {
    /// A pod of the API server.
    Ordinary,
    /// The mirror of a static pod.
    Mirror,
}

impl Metadata {
    /// Reads `metadata` of `object`.
    ///
    /// # Errors
    /// No metadata, or something in it that is of another type.
    pub fn read(object: &Cursor<'_, '_>) -> Result<Self, Malformed> {
        let metadata = object.required("metadata", "an object")?;
        let text = |name| metadata.field(name)?.map(|at| at.as_text()).transpose();
        let name = match text("name")?.filter(|name| !name.is_empty()) {
            Some(name) => PodName::Name(name.into_owned()),
            None => PodName::Prefix(text("generateName")?.unwrap_or_default().into_owned()),
        };
        Self::of(&metadata, name)
    }

    /// Reads `metadata` of a pod template, which can do without, for the pods called `name`.
    ///
    /// # Errors
    /// Something in it that is of another type.
    pub fn of_template(template: &Cursor<'_, '_>, name: PodName) -> Result<Self, Malformed> {
        match template.field("metadata")? {
            Some(metadata) => Self::of(&metadata, name),
            None => Ok(Self {
                name,
                label: UseLabel::Absent,
                annotations: Annotations::default(),
                kind: PodKind::Ordinary,
                retired_binding: None,
            }),
        }
    }

    fn of(metadata: &Cursor<'_, '_>, name: PodName) -> Result<Self, Malformed> {
        let labels = metadata.field("labels")?;
        let label = |name| match &labels {
            Some(labels) => labels.field(name)?.map(|at| at.as_text()).transpose(),
            None => Ok(None),
        };
        let annotations = metadata.field("annotations")?;
        let mirror = match &annotations {
            Some(annotations) => annotations.field(names::MIRROR_POD)?.is_some(),
            None => false,
        };
        Ok(Self {
            name,
            label: UseLabel::from(label(names::USE_LABEL)?.as_deref()),
            annotations: annotations.as_ref().map(Annotations::read).transpose()?.unwrap_or_default(),
            kind: if mirror { PodKind::Mirror } else { PodKind::Ordinary },
            retired_binding: label(names::RETIRED_BINDING)?.map(Cow::into_owned),
        })
    }
}

/// The lists of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerList {
    /// `spec.initContainers`.
    Init,
    /// `spec.containers`.
    Main,
    /// `spec.ephemeralContainers`, which are added to a running pod.
    Ephemeral,
}

impl ContainerList {
    /// The field's name.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Main => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container<'t> {
    /// The list it is in.
    pub list: ContainerList,
    /// Its place there.
    pub index: usize,
    /// Its name, empty where it has none.
    pub name: Cow<'t, str>,
    /// Its environment variables.
    pub env: Vec<Env<'t>>,
    /// Its volume mounts.
    pub mounts: Vec<Mount<'t>>,
}

/// An environment variable.
#[derive(Debug, Clone)]
pub struct Env<'t> {
    /// Its name.
    pub name: Cow<'t, str>,
    value: Option<&'t str>,
    from_elsewhere: bool,
    /// The entry as it came.
    pub raw: &'t str,
}

impl<'t> Env<'t> {
    /// Its value; `None` where it comes from elsewhere (`valueFrom`).
    #[must_use]
    pub fn value(&self) -> Option<Cow<'t, str>> {
        if self.from_elsewhere { None } else { Some(self.value.and_then(text_of).unwrap_or_default()) }
    }
}

/// A volume mount.
#[derive(Debug, Clone)]
pub struct Mount<'t> {
    /// The volume's name.
    pub name: Cow<'t, str>,
    /// `mountPath`.
    pub path: Cow<'t, str>,
    /// The entry as it came.
    pub raw: &'t str,
}

/// A volume.
#[derive(Debug, Clone)]
pub struct Volume<'t> {
    /// Its name.
    pub name: Cow<'t, str>,
    /// The entry as it came.
    pub raw: &'t str,
}

/// Reads an entry of a list that was kept as text; what it holds is never quoted.
fn entry<'t>(at: &Cursor<'_, 't>) -> Result<(Json<'t>, &'t str), Malformed> {
    let raw = at.raw().ok_or_else(|| at.malformed("an object"))?;
    match Json::parse(raw, &FIELDS) {
        Ok(json @ Json::Object(_)) => Ok((json, raw)),
        Ok(Json::Raw(_) | Json::List(_)) | Err(_) => Err(at.malformed("an object")),
    }
}

/// The text of an entry's field, empty where it has none.
fn text<'t>(at: &Cursor<'_, 't>, entry: &Json<'t>, field: &'static str) -> Result<Cow<'t, str>, Malformed> {
    let raw = entry.field(field).and_then(Json::raw).filter(|raw| *raw != "null");
    let Some(raw) = raw else { return Ok(Cow::Borrowed("")) };
    text_of(raw).ok_or_else(|| Malformed {
        path: format!("{}.{field}", at.path()),
        found: "no string",
        expected: "a string",
    })
}

impl<'t> Env<'t> {
    /// Reads an entry of `env`.
    ///
    /// # Errors
    /// No object, or a name that is no string.
    pub fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (env, raw) = entry(at)?;
        Ok(Self {
            name: text(at, &env, "name")?,
            value: env.field("value").and_then(Json::raw),
            from_elsewhere: env.field("valueFrom").and_then(Json::raw).is_some_and(|from| from != "null"),
            raw,
        })
    }
}

impl<'t> Mount<'t> {
    fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (mount, raw) = entry(at)?;
        Ok(Self { name: text(at, &mount, "name")?, path: text(at, &mount, "mountPath")?, raw })
    }
}

impl<'t> Volume<'t> {
    fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (volume, raw) = entry(at)?;
        Ok(Self { name: text(at, &volume, "name")?, raw })
    }

    /// Whether it projects a ServiceAccount token, of this audience where one is given.
    #[must_use]
    pub fn projects_token(&self, audience: Option<&str>) -> bool {
        let Ok(volume) = Json::parse(self.raw, &Shape::Whole) else { return false };
        let sources = volume.field("projected").and_then(|projected| projected.field("sources"));
        let Some(Json::List(sources)) = sources else { return false };
        sources.iter().any(|source| match source.field("serviceAccountToken") {
            Some(token @ Json::Object(_)) => {
                let said = token
                    .field("audience")
                    .and_then(|said| if let Json::Raw(raw) = said { text_of(raw) } else { None });
                audience.is_none() || said.as_deref() == audience
            }
            Some(Json::Raw(_) | Json::List(_)) | None => false,
        })
    }
}

/// What the spec says.
#[derive(Debug, Clone)]
pub struct Spec<'t> {
    /// Name of the ServiceAccount.
    pub service_account: Cow<'t, str>,
    /// Every entry of `initContainers` and `containers`, in this order.
    pub containers: Vec<Container<'t>>,
    /// The ephemeral containers.
    pub ephemeral: Vec<Container<'t>>,
    /// The volumes.
    pub volumes: Vec<Volume<'t>>,
    /// Whose network it uses.
    pub network: Namespaces,
    /// The operating system it asks for.
    pub os: Os,
    /// Whether `spec.securityContext.runAsNonRoot` is true.
    pub runs_as_non_root: bool,
}

/// Whose network a pod uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespaces {
    /// Its own.
    Own,
    /// The node's (`hostNetwork: true`).
    Host,
}

/// The operating system a pod asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// Windows, by `spec.os.name` or the node selector `kubernetes.io/os`.
    Windows,
    /// Linux, or not said.
    Other,
}

impl<'t> Spec<'t> {
    /// Reads a pod's spec.
    ///
    /// # Errors
    /// Something that is of another type than Kubernetes has it.
    pub fn read(spec: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let mut containers = Container::read_list(spec, ContainerList::Init)?;
        containers.extend(Container::read_list(spec, ContainerList::Main)?);
        let mut volumes = Vec::new();
        if let Some(items) = spec.field("volumes")? {
            for item in items.items()? {
                volumes.push(Volume::read(&item)?);
            }
        }
        let flag = |at: &Cursor<'_, 't>, name: &str| {
            Ok(at.field(name)?.map(|at| at.as_bool()).transpose()?.unwrap_or_default())
        };
        let security = spec.field("securityContext")?;
        Ok(Self {
            service_account: service_account_name(spec)?,
            containers,
            ephemeral: Container::read_list(spec, ContainerList::Ephemeral)?,
            volumes,
            network: if flag(spec, "hostNetwork")? { Namespaces::Host } else { Namespaces::Own },
            os: os(spec)?,
            runs_as_non_root: security
                .as_ref()
                .map(|at| flag(at, "runAsNonRoot"))
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// The ServiceAccount, in the request's namespace.
    #[must_use]
    pub fn reference(&self, namespace: &str) -> Reference {
        Reference { namespace: namespace.to_owned(), name: self.service_account.clone().into_owned() }
    }
}

/// `spec.serviceAccountName`, or else the older `spec.serviceAccount`, or else `default`.
///
/// # Errors
/// One of the two is no string.
fn service_account_name<'t>(spec: &Cursor<'_, 't>) -> Result<Cow<'t, str>, Malformed> {
    for field in ["serviceAccountName", "serviceAccount"] {
        let name = spec.field(field)?.map(|name| name.as_text()).transpose()?;
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            return Ok(name);
        }
    }
    Ok(Cow::Borrowed("default"))
}

fn os(spec: &Cursor<'_, '_>) -> Result<Os, Malformed> {
    for (object, field) in [("os", "name"), ("nodeSelector", "kubernetes.io/os")] {
        if let Some(object) = spec.field(object)?
            && let Some(name) = object.field(field)?
            && name.as_text()? == "windows"
        {
            return Ok(Os::Windows);
        }
    }
    Ok(Os::Other)
}

impl<'t> Container<'t> {
    fn read_list(spec: &Cursor<'_, 't>, list: ContainerList) -> Result<Vec<Self>, Malformed> {
        let Some(items) = spec.field(list.field())? else { return Ok(Vec::new()) };
        items.items()?.enumerate().map(|(index, item)| Self::read(list, index, &item)).collect()
    }

    fn read(list: ContainerList, index: usize, at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let name = at.field("name")?.map(|name| name.as_text()).transpose()?.unwrap_or_default();
        let mut env = Vec::new();
        if let Some(items) = at.field("env")? {
            for item in items.items()? {
                env.push(Env::read(&item)?);
            }
        }
        let mut mounts = Vec::new();
        if let Some(items) = at.field("volumeMounts")? {
            for item in items.items()? {
                mounts.push(Mount::read(&item)?);
            }
        }
        Ok(Self { list, index, name, env, mounts })
    }

    /// The variable `name`, where the container has it.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Env<'t>> {
        self.env.iter().find(|env| env.name == name)
    }
}

// === As it is judged ===

/// A pod, or a template that pods will be made from.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'s, 't> {
    /// What messages call it, as `Pod default/yadaapi`.
    pub title: &'s str,
    /// Namespace of the request.
    pub namespace: &'s str,
    /// Its metadata.
    pub metadata: &'s Metadata,
    /// Its spec.
    pub spec: &'s Spec<'t>,
}

/// What messages call a pod.
#[must_use]
pub fn pod_title(namespace: &str, name: &PodName) -> String {
    match name {
        PodName::Name(name) => format!("Pod {namespace}/{name}"),
        PodName::Prefix(prefix) => format!("Pod {namespace}/{prefix}*"),
    }
}

/// Refuses because of an annotation of the pod itself.
#[must_use]
pub fn of_pod(wrong: &WrongValue, pod: Candidate) -> Refusal {
    Refusal {
        object: pod.title.to_owned(),
        problem: wrong.problem(),
        hint: "repair it in the pod's manifest, or its workload's pod template, with:",
        cure: format!("metadata: {{annotations: {{{}: \"{}\"}}}}", wrong.annotation, wrong.placeholder),
        code: Code::BadRequest,
        fault: Fault::Template,
    }
}
