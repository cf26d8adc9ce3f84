//! What refuses an object: each mistake with its rule, HTTP status, blame, sentence and fix, in one table.

use crate::{
    fields::{Problem, explain},
    json::{Malformed, Unquoted},
    tally::Tally,
    text::Untrusted,
    value::{
        identity::{ClientId, TenantId},
        keys::MetadataKind,
        names,
        parse::Accepts,
        reference::Reference,
    },
    verdict::{
        description::Description,
        facts::{
            ClientOf, Code, Fault, IdentityPart, Instead, LookUpFailure, OBJECT_MAX, Obstacle, OwnValue,
            WrongValue,
        },
        fix::{self, Fix, hints},
        spot::Spot,
        title::Title,
    },
};

/// A mistake that refuses the object.
#[derive(Debug, PartialEq)]
#[cfg_attr(
    test,
    derive(strum::EnumDiscriminants),
    strum_discriminants(derive(Hash, strum::EnumIter), vis(pub(crate)))
)]
pub(crate) enum Mistake {
    /// An annotation's value can't be used.
    WrongAnnotation(WrongValue),
    /// No tenant is given.
    NoTenant,
    /// There is no client ID, and `requireClientId` asks for one.
    ClientIdRequired,
    /// `allowedIdentities` has no entry for the identity.
    IdentityNotAllowed {
        /// Which part of it no entry allows.
        part: IdentityPart,
        /// Namespace of the ServiceAccount.
        namespace: Untrusted,
        /// Its client ID.
        client: ClientOf,
        /// The tenant.
        tenant_id: TenantId,
        /// Whose mistake it is.
        fault: Fault,
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
        /// Whose mistake it is. An ID can be wrong in combination with this ServiceAccount's IDs, and right with those of another.
        fault: Fault,
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
        /// The value of `skip-containers` that adds all containers with this mistake to those that are already skipped.
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
    BadSettings(Tally<Problem>),
    /// The pod would be larger than what can be stored.
    TooLarge,
}

/// All that there is to a mistake. What its fix looks like depends on the object too: [`Fix`].
#[derive(Debug)]
pub(crate) struct Row {
    /// HTTP status code for the API server's answer.
    pub(crate) code: Code,
    /// Whose mistake it is; `None` if that depends on the object: its own, if it is a template, or else the ServiceAccount's.
    pub(crate) fault: Option<Fault>,
    /// Rule, sentence and place.
    pub(crate) description: Description,
    /// How it is repaired.
    pub(crate) fix: Fix,
}

impl Row {
    fn new(code: Code, fault: Fault, description: Description, fix: Fix) -> Self {
        Self { code, fault: Some(fault), description, fix }
    }
}

/// Most bytes of a refusal for settings that the policy should never have been given: the rest is in their validation.
const SETTINGS_MAX: usize = 2_000;

impl Mistake {
    /// The row of the mistake: status, blame, sentence and fix of each stand here, and nowhere else.
    #[allow(clippy::too_many_lines)] // a table
    pub(crate) fn row(&self) -> Row {
        use Code::{BadRequest, Forbidden, InternalServerError};
        use Fault::{Elsewhere, Template};
        let new = |rule, sentence: String| Description::new(rule, sentence);
        match self {
            Self::WrongAnnotation(wrong) => wrong_annotation(wrong),
            Self::NoTenant => Row::new(
                BadRequest,
                Elsewhere,
                new(
                    "no-tenant",
                    format!(
                        "no tenant ID: neither annotation {} nor the policy's setting tenantId is set",
                        names::TENANT_ID
                    ),
                )
                .at(Spot::annotation(names::TENANT_ID)),
                Fix::annotate(names::TENANT_ID, TenantId::PLACEHOLDER, hints::TENANT),
            ),
            Self::ClientIdRequired => Row::new(
                BadRequest,
                Elsewhere,
                new(
                    "client-id-required",
                    format!(
                        "annotation {} is missing, and the policy's setting requireClientId is true",
                        names::CLIENT_ID
                    ),
                )
                .at(Spot::annotation(names::CLIENT_ID)),
                Fix::annotate(names::CLIENT_ID, ClientId::PLACEHOLDER, hints::ADD),
            ),
            Self::IdentityNotAllowed { part, namespace, client, tenant_id, fault } => Row::new(
                Forbidden,
                *fault,
                not_allowed(*part, namespace, client, tenant_id),
                match (part, client) {
                    (IdentityPart::ClientId, ClientOf::Nothing) => {
                        Fix::annotate(names::CLIENT_ID, ClientId::PLACEHOLDER, hints::ADD)
                    }
                    (IdentityPart::Namespace | IdentityPart::ClientId | IdentityPart::TenantId, _) => {
                        fix::allow(namespace, client, tenant_id)
                    }
                },
            ),
            Self::TooLarge => Row::new(
                BadRequest,
                Template,
                new(
                    "too-large",
                    format!(
                        "with its identity the pod would be larger than {OBJECT_MAX} bytes, more than the API server stores"
                    ),
                ),
                Fix::annotation_line(
                    "make it smaller, or skip containers that need no identity, in the pod or in the pod template of its workload:",
                    names::SKIP_CONTAINERS,
                    "\"CONTAINER\"",
                ),
            ),
            Self::OwnIdNotAllowed { container, variable, value, namespace, fault } => Row::new(
                Forbidden,
                *fault,
                own_id(container, variable, value, namespace),
                Fix::Paste(
                    "remove it, so that the container uses its ServiceAccount's identity, or set it to one that is allowed:",
                    format!(
                        "env: [{{name: {variable}, value: \"{}\"}}]",
                        variable.trim_start_matches("AZURE_")
                    ),
                ),
            ),
            Self::ProxyOnHostNetwork => Row::new(
                BadRequest,
                Template,
                Description::new(
                    "proxy-on-host-network",
                    "spec.hostNetwork is true: the proxy would redirect the traffic of the whole node",
                )
                .at(Spot::Field("spec.hostNetwork")),
                without_proxy(),
            ),
            Self::ProxyOnWindows => Row::new(
                BadRequest,
                Template,
                Description::new("proxy-on-windows", "the proxy sidecar does not run on Windows")
                    .at(Spot::Field("spec.os")),
                without_proxy(),
            ),
            Self::MountHidesToken { obstacle, container, volume, path, skip } => Row::new(
                BadRequest,
                Template,
                hides(*obstacle, [container, volume, path]),
                Fix::annotation_line(
                    "move that mount, or give the container no identity:",
                    names::SKIP_CONTAINERS,
                    &skip.yaml("CONTAINER"),
                ),
            ),
            Self::VolumeNameTaken { volume, container, field } => Row::new(
                BadRequest,
                Template,
                taken(volume, container, field),
                Fix::Paste(
                    "rename the volume in the pod, or in the pod template of its workload:",
                    "volumes: [{name: my-volume}]".to_owned(),
                ),
            ),
            Self::LookUp { reference, failure } => look_up(&reference.title(), failure),
            Self::NoSuchName(found) => Row::new(
                BadRequest,
                Template,
                new(
                    "service-account-name",
                    format!("spec.serviceAccountName is {}, which is not a valid name", found.quoted()),
                )
                .at(Spot::Field("spec.serviceAccountName"))
                .found(found),
                Fix::ListAccounts,
            ),
            Self::Malformed(malformed) => self::malformed(malformed),
            Self::BadSettings(problems) => Row::new(
                InternalServerError,
                Elsewhere,
                new("settings", format!("its settings are not valid: {}", explain(problems, SETTINGS_MAX))),
                Fix::Paste(
                    "fix them in the policy's spec.settings:",
                    "kubectl edit clusteradmissionpolicy".to_owned(),
                ),
            ),
        }
    }
}

fn without_proxy() -> Fix {
    Fix::annotation_line(
        "turn the proxy off in the pod, or in the pod template of its workload:",
        names::INJECT_PROXY_SIDECAR,
        "\"false\"",
    )
}

fn wrong_annotation(wrong: &WrongValue) -> Row {
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
    let fix = match instead {
        Instead::Value(value) => Fix::Annotate { annotation, value: value.clone(), hint: hints::FIX },
        Instead::Nothing => Fix::Unannotate(annotation),
    };
    let description = Description::new(rule, text).at(Spot::annotation(annotation)).found(&found);
    Row { fault: None, ..Row::new(Code::BadRequest, Fault::Template, description, fix) }
}

/// Whether `parent` is the object of an object's labels or annotations.
fn metadata_of(parent: &Untrusted) -> Option<MetadataKind> {
    [MetadataKind::Label, MetadataKind::Annotation].into_iter().find(|kind| {
        parent.as_str().strip_suffix(kind.field()).is_some_and(|path| path.ends_with("metadata."))
    })
}

fn malformed(malformed: &Malformed) -> Row {
    let (description, fix) = match malformed.unquoted.as_deref() {
        Some(Unquoted { parent, name, scalar }) if metadata_of(parent).is_some() => {
            let kind = metadata_of(parent);
            let word = kind.map_or("", MetadataKind::word);
            let (shown, found) = (name.plain(120), scalar.plain(40));
            let text = format!("{word} {shown} is {found} without quotes");
            let spot = Spot::Metadata(kind.unwrap_or(MetadataKind::Annotation), name.clone());
            let metadata = kind.map_or("labels", MetadataKind::field);
            let line =
                format!("metadata: {{{metadata}: {{{}: {}}}}}", name.yaml("NAME"), scalar.yaml("VALUE"));
            let description = Description::new("unquoted", text).at(spot).found(scalar);
            (description, Fix::Paste("put it in quotes:", line))
        }
        Some(_) | None => {
            let spot = Spot::Written(malformed.path.plain(240));
            let description = Description::new("malformed", malformed.to_string()).at(spot);
            (description, Fix::Explain(malformed.path.clone()))
        }
    };
    Row::new(Code::BadRequest, Fault::Template, description, fix)
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

fn look_up(account: &Title, failure: &LookUpFailure) -> Row {
    let (rule, why) = match failure {
        LookUpFailure::NotFound => {
            let description = Description::new("no-service-account", format!("its {account} does not exist"))
                .at(Spot::Field("spec.serviceAccountName"));
            return Row::new(
                Code::BadRequest,
                Fault::Elsewhere,
                description,
                fix::of_look_up(account, failure),
            );
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
    let description = Description::new(rule, format!("its {account} could not be read: {why}"));
    Row::new(Code::InternalServerError, Fault::Elsewhere, description, fix::of_look_up(account, failure))
}
