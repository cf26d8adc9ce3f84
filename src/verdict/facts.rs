//! What mistakes are made of.

use std::borrow::Cow;

use crate::{text::Untrusted, value::identity::ClientId};

/// Where a mistake is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    /// In the cluster, by a command: the object is there.
    Cluster,
    /// In the manifest: the object is not there yet, or is made from a template.
    Manifest,
}

/// HTTP status codes of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Code {
    /// 400: the object is wrong.
    BadRequest,
    /// 403: the identity is not allowed here.
    Forbidden,
    /// 500: the ServiceAccount could not be read.
    InternalServerError,
}

impl Code {
    /// The number.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::InternalServerError => 500,
        }
    }
}

/// Whose mistake it is. A template's own mistakes are certain to fail. Others can be fixed before its pods are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The pod's, or its template's.
    Template,
    /// The ServiceAccount's, or that of something else outside of the pod.
    Elsewhere,
}

/// Largest object that the policy makes, in bytes of JSON. etcd takes 1.5 MB (`--max-request-bytes`), of a form that is more compact; the
/// PolicyServer takes 2 MB of a request.
pub(crate) const OBJECT_MAX: usize = 2_000_000;

/// An annotation whose value can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongValue {
    /// The annotation's name.
    pub(crate) annotation: &'static str,
    /// Its value, whole: an UPDATE that changes the middle of a long value is a change.
    pub(crate) found: String,
    /// What would be accepted.
    pub(crate) accepted: Cow<'static, str>,
    /// What a fix puts in its place.
    pub(crate) instead: Instead,
}

/// What a fix puts in the place of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Instead {
    /// What was likely meant, or a placeholder.
    Value(String),
    /// Nothing: the annotation goes.
    Nothing,
}

/// How the client ID of an identity is known, and so what messages call the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClientOf {
    /// By itself.
    Id(ClientId),
    /// By a name in the setting `identities`, whose values are not told.
    Name(Untrusted),
    /// There is none.
    Nothing,
}

/// The value of a variable that should hold an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnValue {
    /// A UUID.
    Id(Untrusted),
    /// A domain name, which a tenant can have; what looks like one can be a secret, and is not shown.
    Domain,
    /// Something else, which can be a secret and is not shown.
    Other,
    /// It comes from elsewhere.
    Elsewhere,
}

/// What can stand in the way of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Another mount.
    Mount,
    /// A block device.
    Device,
}

/// The part of an identity that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityPart {
    /// No entry is for the namespace.
    Namespace,
    /// No entry for the namespace has the client ID.
    ClientId,
    /// No entry with the client ID has the tenant.
    TenantId,
}

/// Why a ServiceAccount could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUpFailure {
    /// It does not exist.
    NotFound,
    /// The policy was not granted `v1/ServiceAccount`.
    NotGranted,
    /// The policy was not granted the host capability.
    CapabilityDenied,
    /// The PolicyServer's own account lacks the permission; the host's text says which.
    Forbidden(Untrusted),
    /// The answer is not the ServiceAccount that was asked for.
    NotAServiceAccount,
    /// Anything else, in the host's words.
    Other(Untrusted),
}

impl LookUpFailure {
    /// The cause in a few words, for a warning.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::NotFound => "it does not exist",
            Self::NotGranted => "contextAwareResources lacks v1/ServiceAccount",
            Self::CapabilityDenied => "the host capability kubernetes/get_resource is not granted",
            Self::Forbidden(_) => "the PolicyServer lacks RBAC get serviceaccounts",
            Self::NotAServiceAccount => "the host returned something else",
            Self::Other(_) => "the host failed, see its log",
        }
    }
}
