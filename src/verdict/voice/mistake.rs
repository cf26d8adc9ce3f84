//! What is wrong, in a sentence.

use std::fmt;

use crate::{
    json::{Malformed, Unquoted, fields::explain},
    text::Untrusted,
    value::{
        identity::{ClientId, TenantId},
        keys::MetadataKind,
        names,
        parse::Accepts,
    },
    verdict::{
        mistake::{
            ClientOf, IdentityPart, LookUpFailure, Mistake, OBJECT_MAX, Obstacle, OwnValue, WrongValue,
        },
        title::Title,
    },
};

/// Most bytes of a refusal for settings that the policy should never have been given: the rest is in their validation.
const SETTINGS_MAX: usize = 2_000;

impl fmt::Display for WrongValue {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let found = Untrusted::from(&self.found);
        write!(f, "annotation {} is {}, expected {}", self.annotation, found.quoted(), self.accepted)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::WrongAnnotation(wrong) => wrong.fmt(f),
            Self::NoTenant => write!(
                f,
                "neither annotation {} nor the policy's setting tenantId is set, expected {}",
                names::TENANT_ID,
                TenantId::accepted()
            ),
            Self::ClientIdRequired => write!(
                f,
                "annotation {} is missing, and the policy's setting requireClientId is true, expected {}",
                names::CLIENT_ID,
                ClientId::accepted()
            ),
            Self::IdentityNotAllowed { part, namespace, client, tenant_id, .. } => {
                not_allowed(f, *part, namespace, client, tenant_id)
            }
            Self::TooLarge => write!(
                f,
                "with its identity the pod would be larger than {OBJECT_MAX} bytes, more than the API server stores"
            ),
            Self::OwnIdNotAllowed { container, variable, value, namespace, .. } => {
                own_id(f, container, variable, value, namespace)
            }
            Self::ProxyOnHostNetwork => f.write_str(
                "spec.hostNetwork is true: the proxy would redirect the traffic of the whole node, expected the pod's own network or no proxy",
            ),
            Self::ProxyOnWindows => {
                f.write_str("the proxy sidecar does not run on Windows, expected a Linux pod or no proxy")
            }
            Self::MountHidesToken { obstacle, container, volume, path, .. } => {
                hides(f, *obstacle, [container, volume, path])
            }
            Self::VolumeNameTaken { volume, container, field } => taken(f, volume, container, field),
            Self::LookUp { reference, failure } => look_up(f, &reference.title(), failure),
            Self::NoSuchName(found) => {
                write!(f, "spec.serviceAccountName is {}, expected the name of a ServiceAccount", found.quoted())
            }
            Self::Malformed(malformed) => self::malformed(f, malformed),
            Self::BadSettings(problems) => write!(f, "its settings are not valid: {}", explain(problems, SETTINGS_MAX)),
        }
    }
}

/// Whether `parent` is the object of an object's labels or annotations.
pub(super) fn metadata_of(parent: &Untrusted) -> Option<MetadataKind> {
    [MetadataKind::Label, MetadataKind::Annotation].into_iter().find(|kind| {
        parent.as_str().strip_suffix(kind.field()).is_some_and(|path| path.ends_with("metadata."))
    })
}

fn malformed(f: &mut fmt::Formatter, malformed: &Malformed) -> fmt::Result {
    match malformed.unquoted.as_deref() {
        Some(Unquoted { parent, name, scalar }) if metadata_of(parent).is_some() => {
            let metadata = metadata_of(parent).map_or("", MetadataKind::word);
            let (name, scalar) = (name.plain(120), scalar.plain(40));
            write!(f, "{metadata} {name} is {scalar} without quotes, expected \"{scalar}\" in quotes")
        }
        Some(_) | None => write!(f, "{malformed}"),
    }
}

fn hides(
    f: &mut fmt::Formatter,
    obstacle: Obstacle,
    [container, volume, path]: [&Untrusted; 3],
) -> fmt::Result {
    let (verb, field) = match obstacle {
        Obstacle::Mount => ("mounts volume", "mountPath"),
        Obstacle::Device => ("has the block device", "devicePath"),
    };
    write!(
        f,
        "container {} {verb} {} at {}, which hides the identity's token, expected another {field}",
        container.quoted_to(63),
        volume.quoted_to(63),
        path.quoted_to(160)
    )
}

fn taken(f: &mut fmt::Formatter, volume: &Untrusted, container: &Untrusted, field: &str) -> fmt::Result {
    let (volume, container) = (volume.quoted_to(63), container.quoted_to(63));
    write!(
        f,
        "volume {volume} has the name of the identity's token volume, and container {container} uses it by {field}, expected another name"
    )
}

fn not_allowed(
    f: &mut fmt::Formatter,
    part: IdentityPart,
    namespace: &Untrusted,
    client: &ClientOf,
    tenant_id: &TenantId,
) -> fmt::Result {
    let namespace = namespace.quoted();
    let client = match client {
        ClientOf::Id(id) => format!("client id \"{id}\""),
        ClientOf::Name(name) => format!("identity {}", name.quoted()),
        ClientOf::Nothing => "an identity without a client id".to_owned(),
    };
    match part {
        IdentityPart::Namespace => write!(f, "no identity is allowed in namespace {namespace}")?,
        IdentityPart::ClientId => write!(f, "{client} is not allowed in namespace {namespace}")?,
        IdentityPart::TenantId => {
            write!(f, "tenant id \"{tenant_id}\" is not allowed with {client} in namespace {namespace}")?;
        }
    }
    f.write_str(" by the policy's setting allowedIdentities")
}

fn own_id(
    f: &mut fmt::Formatter,
    container: &Untrusted,
    variable: &str,
    value: &OwnValue,
    namespace: &Untrusted,
) -> fmt::Result {
    write!(f, "container {} has {variable} ", container.quoted_to(63))?;
    match value {
        OwnValue::Id(value) => {
            write!(f, "{}, which is not allowed in namespace {}", value.quoted(), namespace.quoted())?;
        }
        OwnValue::Domain => {
            write!(f, "with a tenant that is not allowed in namespace {}", namespace.quoted())?;
        }
        OwnValue::Other => f.write_str("with a value that is no id, which can't be checked")?,
        OwnValue::Elsewhere => f.write_str("from elsewhere (valueFrom), which can't be checked")?,
    }
    f.write_str(" by the policy's setting allowedIdentities")
}

fn look_up(f: &mut fmt::Formatter, account: &Title, failure: &LookUpFailure) -> fmt::Result {
    if *failure == LookUpFailure::NotFound {
        return write!(f, "its {account} does not exist");
    }
    write!(f, "its {account} could not be read: ")?;
    match failure {
        LookUpFailure::NotFound | LookUpFailure::NotGranted => {
            f.write_str("the policy has no access to v1/ServiceAccount")
        }
        LookUpFailure::CapabilityDenied => {
            f.write_str("the policy has no access to the host capability kubernetes/get_resource")
        }
        LookUpFailure::Forbidden(said) => {
            write!(f, "the PolicyServer's account may not get ServiceAccounts ({})", said.quoted_to(240))
        }
        LookUpFailure::NotAServiceAccount => {
            f.write_str("the host returned something else, or a ServiceAccount that is malformed")
        }
        LookUpFailure::Other(said) => write!(f, "the host reported {}", said.quoted_to(240)),
    }
}
