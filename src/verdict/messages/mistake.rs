//! What refuses an object: its rule, in a sentence, and where it stands.

use crate::{
    fields::explain,
    json::{Malformed, Unquoted},
    text::Untrusted,
    value::{identity::TenantId, keys::MetadataKind, names},
    verdict::{
        description::Description,
        mistake::{
            ClientOf, IdentityPart, Instead, LookUpFailure, Mistake, OBJECT_MAX, Obstacle, OwnValue,
            WrongValue,
        },
        spot::Spot,
        title::Title,
    },
};

/// Most bytes of a refusal for settings that the policy should never have been given: the rest is in their validation.
const SETTINGS_MAX: usize = 2_000;

impl Mistake {
    /// Rule, sentence and place of the mistake; what repairs it depends on the object ([`Refusal::describe`](crate::verdict::refusal::Refusal)).
    pub(crate) fn describe(&self) -> Description {
        match self {
            Self::WrongAnnotation(wrong) => wrong_annotation(wrong),
            Self::NoTenant => Description::new(
                "no-tenant",
                format!(
                    "no tenant ID: neither annotation {} nor the policy's setting tenantId is set",
                    names::TENANT_ID
                ),
            )
            .at(Spot::annotation(names::TENANT_ID)),
            Self::ClientIdRequired => Description::new(
                "client-id-required",
                format!(
                    "annotation {} is missing, and the policy's setting requireClientId is true",
                    names::CLIENT_ID
                ),
            )
            .at(Spot::annotation(names::CLIENT_ID)),
            Self::IdentityNotAllowed { part, namespace, client, tenant_id, .. } => {
                not_allowed(*part, namespace, client, tenant_id)
            }
            Self::TooLarge => Description::new(
                "too-large",
                format!(
                    "with its identity the pod would be larger than {OBJECT_MAX} bytes, more than the API server stores"
                ),
            ),
            Self::OwnIdNotAllowed { container, variable, value, namespace, .. } => {
                own_id(container, variable, value, namespace)
            }
            Self::ProxyOnHostNetwork => Description::new(
                "proxy-on-host-network",
                "spec.hostNetwork is true: the proxy would redirect the traffic of the whole node",
            )
            .at(Spot::Field("spec.hostNetwork")),
            Self::ProxyOnWindows => {
                Description::new("proxy-on-windows", "the proxy sidecar does not run on Windows")
                    .at(Spot::Field("spec.os"))
            }
            Self::MountHidesToken { obstacle, container, volume, path, .. } => {
                hides(*obstacle, [container, volume, path])
            }
            Self::VolumeNameTaken { volume, container, field } => taken(volume, container, field),
            Self::LookUp { reference, failure } => look_up(&reference.title(), failure),
            Self::NoSuchName(found) => Description::new(
                "service-account-name",
                format!("spec.serviceAccountName is {}, which is not a valid name", found.quoted()),
            )
            .at(Spot::Field("spec.serviceAccountName"))
            .found(found),
            Self::Malformed(malformed) => self::malformed(malformed),
            Self::BadSettings(problems) => Description::new(
                "settings",
                format!("its settings are not valid: {}", explain(problems, SETTINGS_MAX)),
            ),
        }
    }
}

fn wrong_annotation(wrong: &WrongValue) -> Description {
    let WrongValue { annotation, found, accepted, instead } = wrong;
    let found = Untrusted::from(found);
    let rule = match *annotation {
        names::CLIENT_ID if *instead == Instead::Nothing => "identity-disagrees",
        names::CLIENT_ID => "client-id-malformed",
        names::IDENTITY => "identity-unknown",
        names::TENANT_ID => "tenant-id-malformed",
        names::TOKEN_EXPIRATION => "expiration-malformed",
        names::PROXY_SIDECAR_PORT => "proxy-port-malformed",
        _ => "container-identities",
    };
    let text = format!("annotation {annotation} is {}, which is not {accepted}", found.quoted());
    Description::new(rule, text).at(Spot::annotation(annotation)).found(&found)
}

/// Whether `parent` is the object of an object's labels or annotations.
pub(super) fn metadata_of(parent: &Untrusted) -> Option<MetadataKind> {
    [MetadataKind::Label, MetadataKind::Annotation].into_iter().find(|kind| {
        parent.as_str().strip_suffix(kind.field()).is_some_and(|path| path.ends_with("metadata."))
    })
}

fn malformed(malformed: &Malformed) -> Description {
    match malformed.unquoted.as_deref() {
        Some(Unquoted { parent, name, scalar }) if metadata_of(parent).is_some() => {
            let kind = metadata_of(parent);
            let word = kind.map_or("", MetadataKind::word);
            let (shown, found) = (name.plain(120), scalar.plain(40));
            let text = format!("{word} {shown} is {found} without quotes");
            let spot = Spot::Metadata(kind.unwrap_or(MetadataKind::Annotation), name.clone());
            Description::new("unquoted", text).at(spot).found(scalar)
        }
        Some(_) | None => {
            Description::new("malformed", malformed.to_string()).at(Spot::Written(malformed.path.plain(240)))
        }
    }
}

fn hides(obstacle: Obstacle, [container, volume, path]: [&Untrusted; 3]) -> Description {
    let (rule, verb, spot) = match obstacle {
        Obstacle::Mount => ("mount-hides-token", "mounts volume", Spot::Mount(path.clone())),
        Obstacle::Device => ("device-hides-token", "has the block device", Spot::Device(path.clone())),
    };
    let text = format!(
        "container {} {verb} {} at {}, which hides the identity's token",
        container.quoted_to(63),
        volume.quoted_to(63),
        path.quoted_to(160)
    );
    Description::new(rule, text).of(container).at(spot).found(path)
}

fn taken(volume: &Untrusted, container: &Untrusted, field: &str) -> Description {
    let text = format!(
        "volume {} has the name of the identity's token volume, and container {} uses it in {field}",
        volume.quoted_to(63),
        container.quoted_to(63)
    );
    Description::new("volume-name-taken", text).of(container).at(Spot::Volume(volume.clone())).found(volume)
}

fn not_allowed(
    part: IdentityPart,
    namespace: &Untrusted,
    client: &ClientOf,
    tenant_id: &TenantId,
) -> Description {
    let namespace = namespace.quoted();
    let who = match client {
        ClientOf::Id(id) => format!("client ID \"{id}\""),
        ClientOf::Name(name) => format!("identity {}", name.quoted()),
        ClientOf::Nothing => "an identity without a client ID".to_owned(),
    };
    let (rule, text, name) = match part {
        IdentityPart::Namespace => (
            "namespace-not-allowed",
            format!("no identity is allowed in namespace {namespace}"),
            names::CLIENT_ID,
        ),
        IdentityPart::ClientId => {
            let rule = if *client == ClientOf::Nothing {
                "no-client-id-not-allowed"
            } else {
                "client-id-not-allowed"
            };
            (rule, format!("{who} is not allowed in namespace {namespace}"), names::CLIENT_ID)
        }
        IdentityPart::TenantId => {
            let text =
                format!("tenant ID \"{tenant_id}\" is not allowed with {who} in namespace {namespace}");
            ("tenant-id-not-allowed", text, names::TENANT_ID)
        }
    };
    Description::new(rule, text + BY_SETTING).at(Spot::annotation(name))
}

/// Which setting forbids it.
const BY_SETTING: &str = " by the policy's setting allowedIdentities";

/// The consequence of a value that can't be seen.
const UNCHECKED: &str = "so the policy's setting allowedIdentities can't check it";

fn own_id(container: &Untrusted, variable: &str, value: &OwnValue, namespace: &Untrusted) -> Description {
    let (rule, text) = match value {
        OwnValue::Id(value) => (
            "own-id-not-allowed",
            format!(
                "sets {variable} to {}, which is not allowed in namespace {}{BY_SETTING}",
                value.quoted(),
                namespace.quoted()
            ),
        ),
        OwnValue::Domain => (
            "own-tenant-not-allowed",
            format!(
                "sets {variable} to a tenant that is not allowed in namespace {}{BY_SETTING}",
                namespace.quoted()
            ),
        ),
        OwnValue::Other => {
            ("own-id-not-checkable", format!("sets {variable} to a value that is not an ID, {UNCHECKED}"))
        }
        OwnValue::Elsewhere => {
            ("own-id-from-elsewhere", format!("sets {variable} by valueFrom, {UNCHECKED}"))
        }
    };
    let text = format!("container {} {text}", container.quoted_to(63));
    let description = Description::new(rule, text).of(container).at(Spot::env(variable));
    if let OwnValue::Id(value) = value { description.found(value) } else { description }
}

fn look_up(account: &Title, failure: &LookUpFailure) -> Description {
    let (rule, why) = match failure {
        LookUpFailure::NotFound => {
            return Description::new("no-service-account", format!("its {account} does not exist"))
                .at(Spot::Field("spec.serviceAccountName"));
        }
        LookUpFailure::NotGranted => {
            ("look-up-not-granted", "the policy has no access to v1/ServiceAccount".to_owned())
        }
        LookUpFailure::CapabilityDenied => (
            "look-up-capability",
            "the policy has no access to the host capability kubernetes/get_resource".to_owned(),
        ),
        LookUpFailure::Forbidden(said) => (
            "look-up-forbidden",
            format!("the PolicyServer's account may not get ServiceAccounts ({})", said.quoted_to(240)),
        ),
        LookUpFailure::NotAServiceAccount => {
            ("look-up-malformed", "the host did not return a valid ServiceAccount".to_owned())
        }
        LookUpFailure::Other(said) => {
            ("look-up-failed", format!("the host reported {}", said.quoted_to(240)))
        }
    };
    Description::new(rule, format!("its {account} could not be read: {why}"))
}
