//! Warnings, in a sentence each.

use std::fmt;

use crate::{
    text::{Untrusted, cut_middle},
    value::{
        keys::{self, Bearer, MetadataKind},
        names,
        reference::Reference,
        use_label::Trigger,
    },
    verdict::{
        mistake::Mistake,
        notice::{Notice, SkipHint},
        title::Title,
    },
};

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoClientId => {
                write!(f, "no annotation {}, so {} is not set", names::CLIENT_ID, names::AZURE_CLIENT_ID)
            }
            Self::SkipsNobody { name, hint } => skips_nobody(f, name, hint),
            Self::IdentityOfNobody { name, there } => {
                write!(
                    f,
                    "container-identities names {}, but no container of that name gets an identity",
                    name.quoted_to(63)
                )?;
                there_are(f, there)
            }
            Self::OwnValue { variable } => write!(
                f,
                "sets {variable} to a different value than the identity's; remove it unless you mean it"
            ),
            Self::CredentialWins { variable } => {
                write!(f, "has {variable}, which DefaultAzureCredential takes before the identity; remove it")
            }
            Self::LeftOut => {
                f.write_str("sets AZURE_TOKEN_CREDENTIALS so that workload identity is left out; remove it")
            }
            Self::RefersToInjected { own, injected } => write!(
                f,
                "sets {} to $({injected}), which is added after it and not expanded; use the policy's setting extraEnv",
                own.plain(40)
            ),
            Self::OtherTokenFile { own } => {
                write!(
                    f,
                    "sets {} to a token file that it does not have; use $AZURE_FEDERATED_TOKEN_FILE",
                    own.plain(40)
                )
            }
            Self::NoLabel { account, trigger } => no_label(f, account.as_ref(), *trigger),
            Self::ZeroId => write!(f, "annotation {} is all zeros, which is no identity's", names::CLIENT_ID),
            Self::OwnToken => write!(
                f,
                "brings a token of its own at {}, and is left as it is",
                names::AZURE_FEDERATED_TOKEN_FILE
            ),
            Self::OtherAudience(audience) => {
                write!(f, "has a token for the audience {}, which the pod is not due", audience.quoted_to(80))
            }
            Self::TokenFileUnknown => write!(
                f,
                "sets {} to a path that can't be checked; remove it",
                names::AZURE_FEDERATED_TOKEN_FILE
            ),
            Self::ProxyServesAny => f.write_str(
                "its proxy gets tokens for any client ID that a container asks for, allowed or not",
            ),
            Self::ReadOnlyAbove { volume, path } => write!(
                f,
                "mounts {} read-only at {}, where the token's mount point can't be made: it may not start",
                volume.quoted_to(30),
                path.quoted_to(40)
            ),
            Self::TokenFileInArguments { field } => write!(
                f,
                "names a token file in its {field} that it does not have; use $({})",
                names::AZURE_FEDERATED_TOKEN_FILE
            ),
            Self::ProxyPortTaken(port) => write!(
                f,
                "listens on port {port}, as the proxy does; set annotation {} to a free one",
                names::PROXY_SIDECAR_PORT
            ),
            Self::ProxyRunsAsRoot => f.write_str(
                "securityContext.runAsNonRoot is true, but azwi-proxy-init runs as root and may be refused",
            ),
            Self::AdmittedUnread { pod, failure } => {
                let text =
                    format!("can't be read ({}); {pod} is admitted without an identity", failure.cause());
                f.write_str(&cut_middle(&text, 200))
            }
            Self::WorkloadUnread { reference, failure } => write!(
                f,
                "its {} can't be read ({}); its pods get no identity until that is fixed",
                reference.title(),
                failure.cause()
            ),
            Self::StillWrong(mistake) => f.write_str(&cut_middle(&mistake.to_string(), 190)),
            Self::PodsRefused { object, mistake } => pods_refused(f, object, mistake),
            Self::Unknown { .. }
            | Self::AnnotationAsLabel { .. }
            | Self::NotSet { .. }
            | Self::PortWithoutProxy
            | Self::ProxyNotDeclined(_)
            | Self::Misplaced { .. }
            | Self::LabelAsAnnotation
            | Self::LabelIgnored(_)
            | Self::RetiredBinding
            | Self::AnnotationsWithoutLabel => self.of_metadata(f),
        }
    }
}

impl Notice {
    /// What is said of a label or an annotation.
    fn of_metadata(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unknown { metadata, name, bearer, endpoint } => {
                write!(f, "{} {} is unknown", metadata.word(), name.plain(90))?;
                match keys::nearest(name.as_str(), *bearer, endpoint.as_deref()) {
                    Some(nearest) => write!(f, ", did you mean {nearest}?"),
                    None => f.write_str(" and has no effect"),
                }
            }
            Self::AnnotationAsLabel { name, bearer } => {
                let of = whose(*bearer);
                write!(f, "label {} has no effect, make it an annotation of {of}", name.plain(90))
            }
            Self::NotSet { annotation, setting } => write!(
                f,
                "annotation {} has no effect without the policy's setting {setting}",
                annotation.plain(90)
            ),
            Self::PortWithoutProxy => write!(
                f,
                "annotation {} has no effect without {}",
                names::PROXY_SIDECAR_PORT,
                names::INJECT_PROXY_SIDECAR
            ),
            Self::ProxyNotDeclined(value) => write!(
                f,
                "annotation {} is {}, which asks for the proxy; use \"false\" to decline it",
                names::INJECT_PROXY_SIDECAR,
                value.quoted_to(40)
            ),
            Self::Misplaced { metadata, name, belongs } => misplaced(f, *metadata, name, belongs),
            Self::LabelAsAnnotation => {
                write!(f, "{} has no effect as an annotation, make it a label", names::USE_LABEL)
            }
            Self::LabelIgnored(value) => write!(
                f,
                "label {} is {}, which is ignored; use \"true\" or \"false\"",
                names::USE_LABEL,
                value.quoted_to(63)
            ),
            Self::RetiredBinding => write!(
                f,
                "label {} belongs to the retired aad-pod-identity and has no effect; remove it",
                names::RETIRED_BINDING
            ),
            Self::AnnotationsWithoutLabel => {
                write!(f, "its annotations have no effect without the label {}: \"true\"", names::USE_LABEL)
            }
            Self::NoClientId
            | Self::SkipsNobody { .. }
            | Self::IdentityOfNobody { .. }
            | Self::CredentialWins { .. }
            | Self::LeftOut
            | Self::RefersToInjected { .. }
            | Self::OtherTokenFile { .. }
            | Self::NoLabel { .. }
            | Self::ZeroId
            | Self::OwnValue { .. }
            | Self::OwnToken
            | Self::OtherAudience(_)
            | Self::TokenFileUnknown
            | Self::ProxyServesAny
            | Self::ReadOnlyAbove { .. }
            | Self::TokenFileInArguments { .. }
            | Self::ProxyPortTaken(_)
            | Self::ProxyRunsAsRoot
            | Self::AdmittedUnread { .. }
            | Self::WorkloadUnread { .. }
            | Self::StillWrong(_)
            | Self::PodsRefused { .. } => Ok(()),
        }
    }
}

/// What a cure calls the object.
fn whose(bearer: Bearer) -> &'static str {
    match bearer {
        Bearer::ServiceAccount => "the ServiceAccount",
        Bearer::Pod => "the pod",
    }
}

fn skips_nobody(f: &mut fmt::Formatter, name: &Untrusted, hint: &SkipHint) -> fmt::Result {
    let name = name.quoted_to(63);
    write!(f, "skip-containers names {name}, but no container has that name")?;
    match hint {
        SkipHint::Separator => f.write_str(" (separate them with ;)"),
        SkipHint::OneOf(names) => there_are(f, names),
    }
}

/// The names that would be right, where there are any.
fn there_are(f: &mut fmt::Formatter, names: &Untrusted) -> fmt::Result {
    if names.as_str().is_empty() { Ok(()) } else { write!(f, " (there are {})", names.plain(60)) }
}

/// Why there is no identity, and how to get one.
fn no_label(f: &mut fmt::Formatter, account: Option<&Reference>, trigger: Trigger) -> fmt::Result {
    let label = names::USE_LABEL;
    match (account, trigger) {
        (Some(account), Trigger::ServiceAccount) => {
            write!(f, "gets no identity, its ServiceAccount lacks the label: {}", label_command(account))
        }
        (Some(account), Trigger::Any | Trigger::Pod) => {
            write!(
                f,
                "gets no identity, neither it nor its ServiceAccount has the label: {}",
                label_command(account)
            )
        }
        (None, _) => write!(f, "gets no identity, its pods lack the label {label}: \"true\""),
    }
}

fn label_command(account: &Reference) -> String {
    let (namespace, name) = (account.namespace.shell_word("NAMESPACE"), account.name.shell_word("NAME"));
    // A command that is cut is none.
    let name = if name.len() + namespace.len() > 60 { "NAME" } else { &name };
    let namespace = if namespace.len() > 60 { "NAMESPACE" } else { &namespace };
    format!("kubectl label serviceaccount -n {namespace} {name} {}=true", names::USE_LABEL)
}

fn misplaced(f: &mut fmt::Formatter, metadata: MetadataKind, name: &Untrusted, belongs: &str) -> fmt::Result {
    write!(f, "{} {} has no effect here, move it to {belongs}", metadata.word(), name.plain(90))
}

/// What will become of a workload's pods; it begins with the object that is wrong, where that is another one.
fn pods_refused(f: &mut fmt::Formatter, object: &Title, mistake: &Mistake) -> fmt::Result {
    let whose = match object {
        Title::Object { kind: "ServiceAccount", .. } => format!("{object}: "),
        Title::Object { .. } | Title::Request | Title::Policy => String::new(),
    };
    f.write_str(&cut_middle(&format!("its pods will be refused: {whose}{mistake}"), 200))
}
