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

/// All that there is to a mistake. Its words are only put together when they are asked for.
pub(crate) struct Row<'m> {
    /// HTTP status code for the API server's answer.
    pub(crate) code: Code,
    /// Whose mistake it is; `None` if that depends on the object: its own, if it is a template, or else the ServiceAccount's.
    pub(crate) fault: Option<Fault>,
    words: Words<'m>,
}

/// Makes rule, sentence and place of a mistake, and how it is repaired.
type Words<'m> = Box<dyn FnOnce() -> (Description, Fix) + 'm>;

impl<'m> Row<'m> {
    fn new(
        code: Code,
        fault: impl Into<Option<Fault>>,
        words: impl FnOnce() -> (Description, Fix) + 'm,
    ) -> Self {
        Self { code, fault: fault.into(), words: Box::new(words) }
    }

    /// Rule, sentence and place, and how it is repaired. What a fix looks like depends on the object too: [`Fix`].
    pub(crate) fn words(self) -> (Description, Fix) {
        (self.words)()
    }
}

/// Most bytes of a refusal for settings that the policy should never have been given: the rest is in their validation.
const SETTINGS_MAX: usize = 2_000;

impl Mistake {
    /// The row of the mistake: status, blame, sentence and fix of each stand here, and nowhere else.
    #[allow(clippy::too_many_lines)] // a table
    pub(crate) fn row(&self) -> Row<'_> {
        use Code::{BadRequest, Forbidden, InternalServerError};
        use Fault::{Elsewhere, Template};
        match self {
            Self::WrongAnnotation(wrong) => Row::new(BadRequest, None, move || wrong_annotation(wrong)),
            Self::NoTenant => Row::new(BadRequest, Elsewhere, move || {
                let name = names::TENANT_ID;
                let text = format!(
                    "no tenant ID: neither annotation {name} nor the policy's setting tenantId is set"
                );
                let description = Description::new("no-tenant", text).at(Spot::annotation(name));
                (description, Fix::annotate(name, TenantId::PLACEHOLDER, hints::TENANT))
            }),
            Self::ClientIdRequired => Row::new(BadRequest, Elsewhere, move || {
                let name = names::CLIENT_ID;
                let text =
                    format!("annotation {name} is missing, and the policy's setting requireClientId is true");
                let description = Description::new("client-id-required", text).at(Spot::annotation(name));
                (description, Fix::annotate(name, ClientId::PLACEHOLDER, hints::ADD))
            }),
            Self::IdentityNotAllowed { part, namespace, client, tenant_id, fault } => {
                Row::new(Forbidden, *fault, move || {
                    let fix = match (part, client) {
                        (IdentityPart::ClientId, ClientOf::Nothing) => {
                            Fix::annotate(names::CLIENT_ID, ClientId::PLACEHOLDER, hints::ADD)
                        }
                        (IdentityPart::Namespace | IdentityPart::ClientId | IdentityPart::TenantId, _) => {
                            fix::allow(namespace, client, tenant_id)
                        }
                    };
                    (not_allowed(*part, namespace, client, tenant_id), fix)
                })
            }
            Self::TooLarge => Row::new(BadRequest, Template, move || {
                let text = format!(
                    "with its identity the pod would be larger than {OBJECT_MAX} bytes, more than the API server stores"
                );
                let hint = "make it smaller, or skip containers that need no identity, in the pod or in the pod template of its workload:";
                let fix = Fix::annotation_line(hint, names::SKIP_CONTAINERS, "\"CONTAINER\"");
                (Description::new("too-large", text), fix)
            }),
            Self::OwnIdNotAllowed { container, variable, value, namespace, fault } => {
                Row::new(Forbidden, *fault, move || {
                    let placeholder = variable.trim_start_matches("AZURE_");
                    let fix = Fix::manifest(
                        "remove it, so that the container uses its ServiceAccount's identity, or set it to one that is allowed:",
                        format!("env: [{{name: {variable}, value: \"{placeholder}\"}}]"),
                    );
                    (own_id(container, variable, value, namespace), fix)
                })
            }
            Self::ProxyOnHostNetwork => Row::new(BadRequest, Template, move || {
                let text = "spec.hostNetwork is true: the proxy would redirect the traffic of the whole node";
                let description = Description::new("proxy-on-host-network", text);
                (description.at(Spot::Field("spec.hostNetwork")), without_proxy())
            }),
            Self::ProxyOnWindows => Row::new(BadRequest, Template, move || {
                let description =
                    Description::new("proxy-on-windows", "the proxy sidecar does not run on Windows");
                (description.at(Spot::Field("spec.os")), without_proxy())
            }),
            Self::MountHidesToken { obstacle, container, volume, path, skip } => {
                Row::new(BadRequest, Template, move || {
                    let hint = "move that mount, or give the container no identity:";
                    let fix = Fix::annotation_line(hint, names::SKIP_CONTAINERS, &skip.yaml("CONTAINER"));
                    (hides(*obstacle, [container, volume, path]), fix)
                })
            }
            Self::VolumeNameTaken { volume, container, field } => Row::new(BadRequest, Template, move || {
                let hint = "rename the volume in the pod, or in the pod template of its workload:";
                let fix = Fix::manifest(hint, "volumes: [{name: my-volume}]");
                (taken(volume, container, field), fix)
            }),
            Self::LookUp { reference, failure } => {
                let code = if *failure == LookUpFailure::NotFound { BadRequest } else { InternalServerError };
                Row::new(code, Elsewhere, move || {
                    let account = reference.title();
                    (look_up(&account, failure), fix::of_look_up(&account, failure))
                })
            }
            Self::NoSuchName(found) => Row::new(BadRequest, Template, move || {
                let field = "spec.serviceAccountName";
                let text = format!("{field} is {}, which is not a valid name", found.quoted());
                let description = Description::new("service-account-name", text);
                (description.at(Spot::Field(field)).found(found), Fix::ListAccounts)
            }),
            Self::Malformed(malformed) => Row::new(BadRequest, Template, move || self::malformed(malformed)),
            Self::BadSettings(problems) => Row::new(InternalServerError, Elsewhere, move || {
                let text = format!("its settings are not valid: {}", explain(problems, SETTINGS_MAX));
                let hint = "fix them in the policy's spec.settings:";
                let fix = Fix::command(hint, "kubectl edit clusteradmissionpolicy");
                (Description::new("settings", text), fix)
            }),
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

fn wrong_annotation(wrong: &WrongValue) -> (Description, Fix) {
    let WrongValue { annotation, found, accepted, instead } = wrong;
    let found = Untrusted::from(found);
    let rule = match *annotation {
        names::CLIENT_ID if *instead == Instead::Nothing => "identity-disagrees",
        names::CLIENT_ID => "client-id-malformed",
        names::IDENTITY => "identity-unknown",
        names::TENANT_ID => "tenant-id-malformed",
        names::TOKEN_EXPIRATION => "expiration-malformed",
        names::PROXY_SIDECAR_PORT => "proxy-port-malformed",
        names::LAYOUT => "layout-malformed",
        _ => "container-identities",
    };
    let text = format!("annotation {annotation} is {}, which is not {accepted}", found.quoted());
    let fix = match instead {
        Instead::Value(value) => Fix::annotate(annotation, value, hints::FIX),
        Instead::Nothing => Fix::Unannotate(annotation),
    };
    (Description::new(rule, text).at(Spot::annotation(annotation)).found(&found), fix)
}

/// Whether `parent` is the object of an object's labels or annotations.
fn metadata_of(parent: &Untrusted) -> Option<MetadataKind> {
    [MetadataKind::Label, MetadataKind::Annotation].into_iter().find(|kind| {
        parent.as_str().strip_suffix(kind.field()).is_some_and(|path| path.ends_with("metadata."))
    })
}

fn malformed(malformed: &Malformed) -> (Description, Fix) {
    let unquoted = malformed.unquoted.as_deref();
    let Some((kind, Unquoted { name, scalar, .. })) =
        unquoted.and_then(|unquoted| Some((metadata_of(&unquoted.parent)?, unquoted)))
    else {
        let spot = Spot::Written(malformed.path.plain(240));
        let description = Description::new("malformed", malformed.to_string()).at(spot);
        return (description, Fix::Explain(malformed.path.clone()));
    };
    let text = format!("{} {} is {} without quotes", kind.word(), name.plain(120), scalar.plain(40));
    let line = format!("metadata: {{{}: {{{}: {}}}}}", kind.field(), name.yaml("NAME"), scalar.yaml("VALUE"));
    let description = Description::new("unquoted", text).at(Spot::Metadata(kind, name.clone())).found(scalar);
    (description, Fix::manifest("put it in quotes:", line))
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
