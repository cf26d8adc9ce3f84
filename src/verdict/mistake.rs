//! What refuses an object, as data. The sentences are in [`crate::verdict::voice`].

use std::borrow::Cow;

use crate::{
    json::{Malformed, fields::Problem},
    text::Untrusted,
    value::{
        identity::{ClientId, TenantId},
        reference::Reference,
    },
};

/// A mistake that refuses the object.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    test,
    derive(strum::EnumDiscriminants),
    strum_discriminants(derive(Hash, strum::EnumIter), vis(pub(crate)))
)]
pub(crate) enum Mistake {
    /// An annotation's value can't be used.
    WrongAnnotation(WrongValue),
    /// Nobody names a tenant.
    NoTenant,
    /// There is no client id, and `requireClientId` asks for one.
    ClientIdRequired,
    /// `allowedIdentities` has no entry for the identity.
    IdentityNotAllowed {
        /// Which part of it no entry allows.
        part: IdentityPart,
        /// Namespace of the ServiceAccount.
        namespace: Untrusted,
        /// The client id, if there is one.
        client_id: Option<ClientId>,
        /// The tenant.
        tenant_id: TenantId,
    },
    /// A container has an id of its own that `allowedIdentities` does not have, or that can't be seen.
    OwnIdNotAllowed {
        /// The container's name.
        container: Untrusted,
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: OwnValue,
        /// Namespace of the pod.
        namespace: Untrusted,
    },
    /// The proxy, in a pod on the host's network.
    ProxyOnHostNetwork,
    /// The proxy, in a Windows pod.
    ProxyOnWindows,
    /// Something stands where the token must be.
    MountHidesToken {
        /// What it is.
        obstacle: Obstacle,
        /// The container's name.
        container: Untrusted,
        /// The volume that it mounts.
        volume: Untrusted,
        /// Where.
        path: Untrusted,
        /// The value of `skip-containers` that leaves out all containers for which that is so, and no other than before.
        skip: Untrusted,
    },
    /// A volume under the reserved name is something else, and a container depends on that.
    VolumeNameTaken {
        /// The volume's name.
        volume: Untrusted,
        /// The container's name.
        container: Untrusted,
        /// The field by which it uses the volume.
        field: &'static str,
    },
    /// The pod's ServiceAccount could not be read.
    LookUp {
        /// Which.
        reference: Reference,
        /// Why.
        failure: LookUpFailure,
    },
    /// `spec.serviceAccountName` can't be a name.
    NoSuchName(Untrusted),
    /// A place in the object that can't be understood.
    Malformed(Malformed),
    /// The policy's own settings.
    BadSettings(Vec<Problem>),
}

/// An annotation whose value can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongValue {
    /// The annotation's name.
    pub(crate) annotation: &'static str,
    /// Its value.
    pub(crate) found: Untrusted,
    /// What would be accepted.
    pub(crate) accepted: Cow<'static, str>,
    /// What a cure puts in its place: what was likely meant, or a placeholder.
    pub(crate) instead: String,
}

/// The value of a variable that should hold an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnValue {
    /// An id.
    Id(Untrusted),
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
    /// No entry for the namespace has the client id.
    ClientId,
    /// No entry with the client id has the tenant.
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
