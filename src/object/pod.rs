//! A pod, or the pod template of a workload, as far as identity goes.

use std::borrow::Cow;

use crate::{
    json::{Cursor, FIELDS, ITEMS, Malformed, Shape},
    object::{
        container::{CONTAINER, Container, ContainerList, Names, Volume, entries},
        metadata::{METADATA, Metadata},
    },
    value::reference::Reference,
    verdict::title::Title,
};

static CONTAINERS: Shape = Shape::List(&CONTAINER);

/// A pod's spec, looked into where the policy reads or writes.
pub(crate) static SPEC: Shape = Shape::Object(&[
    ("containers", &CONTAINERS),
    ("initContainers", &CONTAINERS),
    ("ephemeralContainers", &CONTAINERS),
    ("volumes", &ITEMS),
    ("securityContext", &FIELDS),
    ("os", &FIELDS),
    ("nodeSelector", &FIELDS),
]);

/// A pod, looked into where the policy reads or writes.
pub(crate) static POD: Shape = Shape::Object(&[("metadata", &METADATA), ("spec", &SPEC)]);

/// What the spec says.
#[derive(Debug, Clone)]
pub(crate) struct Spec<'t> {
    /// Name of the ServiceAccount.
    pub(crate) service_account: Cow<'t, str>,
    /// Every entry of `initContainers` and `containers`, in this order.
    pub(crate) containers: Vec<Container<'t>>,
    /// The ephemeral containers.
    pub(crate) ephemeral: Vec<Container<'t>>,
    /// The volumes.
    pub(crate) volumes: Vec<Volume<'t>>,
    /// Whose network it uses.
    pub(crate) network: Network,
    /// The operating system it asks for.
    pub(crate) os: Os,
    /// Whether its containers may run as root.
    pub(crate) root: Root,
}

/// Whose network a pod uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Its own.
    Own,
    /// The node's (`hostNetwork: true`).
    Host,
}

/// Whether a pod's containers may run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// Nothing here forbids it.
    Allowed,
    /// `spec.securityContext.runAsNonRoot` is true.
    Forbidden,
}

/// The operating system a pod asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Os {
    /// Windows, by `spec.os.name` or the node selector `kubernetes.io/os`.
    Windows,
    /// Linux, or not said.
    Other,
}

impl Os {
    /// How it compares the names of variables.
    pub(crate) fn names(self) -> Names {
        match self {
            Self::Windows => Names::AnyCase,
            Self::Other => Names::Exact,
        }
    }
}

impl<'t> Spec<'t> {
    /// Reads a pod's spec.
    ///
    /// # Errors
    /// Something that is of another type than Kubernetes has it.
    pub(crate) fn read(spec: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let os = os(spec)?;
        let names = os.names();
        let mut containers = Container::read_list(spec, ContainerList::Init, names)?;
        containers.append(&mut Container::read_list(spec, ContainerList::Main, names)?);
        let security = spec.field("securityContext")?;
        let root = match &security {
            Some(security) => choose(security, "runAsNonRoot", Root::Allowed, Root::Forbidden)?,
            None => Root::Allowed,
        };
        Ok(Self {
            service_account: service_account_name(spec)?,
            containers,
            ephemeral: Container::read_list(spec, ContainerList::Ephemeral, names)?,
            volumes: entries(spec, "volumes", Volume::read)?,
            network: choose(spec, "hostNetwork", Network::Own, Network::Host)?,
            os,
            root,
        })
    }

    /// The ServiceAccount, in the request's namespace.
    #[must_use]
    pub(crate) fn reference(&self, namespace: &str) -> Reference {
        Reference { namespace: namespace.into(), name: self.service_account.as_ref().into() }
    }
}

/// `yes` or `no`, by the boolean field `name`. If the field is missing, `no`.
fn choose<T>(at: &Cursor<'_, '_>, name: &str, no: T, yes: T) -> Result<T, Malformed> {
    let flag = at.field(name)?.map(|at| at.as_bool()).transpose()?;
    Ok(if flag == Some(true) { yes } else { no })
}

/// `spec.serviceAccountName`, or else the older `spec.serviceAccount`, or else `default`.
///
/// # Errors
/// One of the two is not a string.
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

/// A pod, or a template that pods will be made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'s, 't> {
    /// What messages call it: the pod, or the workload that makes it.
    pub(crate) title: &'s Title,
    /// Namespace of the request.
    pub(crate) namespace: &'s str,
    /// Its metadata.
    pub(crate) metadata: &'s Metadata,
    /// Its spec.
    pub(crate) spec: &'s Spec<'t>,
    /// The size of the object that holds it, in bytes of JSON.
    pub(crate) size: usize,
}
