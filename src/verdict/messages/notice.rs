//! Warnings: the rule of each, in a sentence, where it stands, and what to do.

use std::fmt;

use crate::{
    text::{Untrusted, cut_middle},
    value::{
        keys::{self, AnnotatedObject, MetadataKind},
        names,
        reference::Reference,
        use_label::Trigger,
    },
    verdict::{
        description::{Description, Paste},
        mistake::Mistake,
        notice::{Notice, SkipHint},
        spot::Spot,
        title::Title,
    },
};

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.describe().line())
    }
}

impl Notice {
    /// Rule, sentence, place and fix: an arm for each kind, and nowhere else.
    #[allow(clippy::too_many_lines)] // a table
    pub(crate) fn describe(&self) -> Description {
        let new = |rule, sentence: String| Description::new(rule, sentence);
        match self {
            Self::NoClientId => new(
                "no-client-id",
                format!("no annotation {}, so {} is not set", names::CLIENT_ID, names::AZURE_CLIENT_ID),
            )
            .at(Spot::annotation(names::CLIENT_ID)),
            Self::SkipsNobody { name, hint } => skips_nobody(name, hint),
            Self::IdentityOfNobody { name, there } => new(
                "identity-of-nobody",
                format!(
                    "container-identities names {}, which gets no identity{}",
                    name.quoted_to(63),
                    listed("those that do: ", there)
                ),
            )
            .at(Spot::annotation(names::CONTAINER_IDENTITIES))
            .found(name),
            Self::OwnValue { variable } => new("own-value", format!("sets its own {variable}"))
                .at(Spot::env(variable))
                .fix("remove it to use the identity's"),
            Self::CredentialWins { variable } => {
                new("credential-wins", format!("has {variable}, which DefaultAzureCredential tries first"))
                    .at(Spot::env(variable))
                    .fix("remove it")
            }
            Self::LeftOut => Description::new(
                "credential-left-out",
                "sets AZURE_TOKEN_CREDENTIALS to a value without workload identity",
            )
            .at(Spot::env("AZURE_TOKEN_CREDENTIALS"))
            .fix("remove it"),
            Self::RefersToInjected { own, injected } => {
                let spot = Spot::Env(own.clone());
                let own = own.plain(40);
                let text = format!("sets {own} to $({injected}), not expanded");
                new("refers-to-injected", text).at(spot).fix("use the setting extraEnv")
            }
            Self::OtherTokenFile { own } => {
                let spot = Spot::Env(own.clone());
                let own = own.plain(40);
                new("other-token-file", format!("sets {own} to a token file that it does not have"))
                    .at(spot)
                    .fix("use $AZURE_FEDERATED_TOKEN_FILE")
            }
            Self::NoLabel { account, trigger } => no_label(account.as_ref(), *trigger),
            Self::ZeroId => Description::new("zero-client-id", "client-id is all zeros, a placeholder")
                .at(Spot::annotation(names::CLIENT_ID))
                .fix("set it to the identity's client ID"),
            Self::OwnToken => Description::new("own-token", "uses its own token file")
                .at(Spot::env(names::AZURE_FEDERATED_TOKEN_FILE))
                .fix("the policy does not change this container"),
            Self::OtherAudience(audience) => new(
                "other-audience",
                format!("has a token for the audience {}, which is not the pod's", audience.quoted_to(80)),
            )
            .found(audience),
            Self::TokenFileUnknown => new(
                "token-file-unknown",
                format!("sets {} to a path that can't be checked", names::AZURE_FEDERATED_TOKEN_FILE),
            )
            .at(Spot::env(names::AZURE_FEDERATED_TOKEN_FILE))
            .fix("remove it"),
            Self::ProxyServesAny => Description::new(
                "proxy-serves-any",
                "its proxy gets tokens for any client ID that a container asks for, allowed or not",
            )
            .at(Spot::annotation(names::INJECT_PROXY_SIDECAR)),
            Self::ReadOnlyAbove { volume, path } => new(
                "read-only-above",
                format!(
                    "may not start: read-only mount {} at {} covers the token",
                    volume.quoted_to(30),
                    path.quoted_to(40)
                ),
            )
            .at(Spot::Mount(path.clone()))
            .found(path),
            Self::TokenFileInArguments { field } => {
                new("token-file-in-arguments", format!("has the path of another token file in its {field}"))
                    .at(Spot::OfContainer(field))
                    .fix(format!("use $({})", names::AZURE_FEDERATED_TOKEN_FILE))
            }
            Self::ProxyPortTaken(port) => {
                new("proxy-port-taken", format!("listens on the proxy's port {port}"))
                    .at(Spot::Port(port.to_string().into()))
                    .fix("set annotation proxy-sidecar-port to a free one")
            }
            Self::ProxyRunsAsRoot => Description::new(
                "proxy-runs-as-root",
                "securityContext.runAsNonRoot is true, but azwi-proxy-init runs as root and may be refused",
            )
            .at(Spot::Field("spec.securityContext.runAsNonRoot")),
            Self::AdmittedUnread { pod, failure } => {
                let text =
                    format!("can't be read ({}); {pod} is admitted without an identity", failure.cause());
                new("admitted-unread", cut_middle(&text, 200))
            }
            Self::WorkloadUnread { reference, failure } => new(
                "workload-unread",
                format!(
                    "its {} can't be read ({}); its pods get no identity until that is fixed",
                    reference.title(),
                    failure.cause()
                ),
            )
            .at(Spot::Field("spec.serviceAccountName")),
            Self::StillWrong(mistake) => {
                let said = mistake.describe();
                Description { sentence: cut_middle(&said.sentence, 190), ..said }
            }
            Self::PodsRefused { object, mistake } => pods_refused(&whose_mistake(object), mistake),
            Self::Unknown { metadata, name, annotated, endpoint } => {
                unknown(*metadata, name, *annotated, endpoint.as_deref())
            }
            Self::AnnotationAsLabel { name, annotated } => {
                new("annotation-as-label", format!("label {} has no effect", name.plain(90)))
                    .at(Spot::Metadata(MetadataKind::Label, name.clone()))
                    .fix(format!("make it an annotation of {}", whose(*annotated)))
            }
            Self::NotSet { annotation, setting } => {
                let rule = if *setting == "identities" { "identities-not-set" } else { "endpoint-not-set" };
                let name = annotation.plain(90);
                new(rule, format!("annotation {name} needs the setting {setting}"))
                    .at(Spot::annotation(annotation.as_str()))
            }
            Self::PortWithoutProxy => new(
                "port-without-proxy",
                format!("annotation {} needs inject-proxy-sidecar", names::PROXY_SIDECAR_PORT),
            )
            .at(Spot::annotation(names::PROXY_SIDECAR_PORT)),
            Self::ProxyNotDeclined(value) => new(
                "proxy-not-declined",
                format!("annotation {} is {}", names::INJECT_PROXY_SIDECAR, value.quoted_to(40)),
            )
            .at(Spot::annotation(names::INJECT_PROXY_SIDECAR))
            .found(value)
            .fix("only \"false\" declines the proxy"),
            Self::Misplaced { metadata, name, belongs } => misplaced(*metadata, name, belongs),
            Self::LabelAsAnnotation => {
                new("label-as-annotation", format!("{} has no effect as an annotation", names::USE_LABEL))
                    .at(Spot::annotation(names::USE_LABEL))
                    .fix("make it a label")
            }
            Self::LabelIgnored(value) => new(
                "label-ignored",
                format!("label {} is {}, which is ignored", names::USE_LABEL, value.quoted_to(63)),
            )
            .at(Spot::use_label())
            .found(value)
            .fix("use \"true\" or \"false\""),
            Self::RetiredBinding => new(
                "retired-binding",
                format!(
                    "label {} belongs to the retired aad-pod-identity and has no effect",
                    names::RETIRED_BINDING
                ),
            )
            .at(Spot::Metadata(MetadataKind::Label, names::RETIRED_BINDING.into()))
            .fix("remove it"),
            Self::AnnotationsWithoutLabel => new(
                "annotations-without-label",
                format!("its annotations need the label {}: \"true\"", names::USE_LABEL),
            )
            .at(Spot::use_label()),
        }
    }
}

/// What a fix calls the object.
fn whose(annotated: AnnotatedObject) -> &'static str {
    match annotated {
        AnnotatedObject::ServiceAccount => "the ServiceAccount",
        AnnotatedObject::Pod => "the pod",
    }
}

fn skips_nobody(name: &Untrusted, hint: &SkipHint) -> Description {
    let text = format!("skip-containers names {}, but no container has that name", name.quoted_to(63));
    let text = match hint {
        SkipHint::Separator => text + " (separate them with ;)",
        SkipHint::OneOf(names) => text + &listed("the pod has ", names),
    };
    Description::new("skips-nobody", text).at(Spot::annotation(names::SKIP_CONTAINERS)).found(name)
}

/// The names that would be right, in brackets, where there are any.
fn listed(what: &str, names: &Untrusted) -> String {
    if names.as_str().is_empty() { String::new() } else { format!(" ({what}{})", names.plain(60)) }
}

/// A known name, without its prefix if the name in the sentence has the same prefix.
fn short<'k>(known: &'k str, name: &str) -> &'k str {
    known.strip_prefix(names::PREFIX).filter(|_| name.starts_with(names::PREFIX)).unwrap_or(known)
}

/// Why there is no identity, and how to get one.
fn no_label(account: Option<&Reference>, trigger: Trigger) -> Description {
    let label = names::USE_LABEL;
    let Some(account) = account else {
        let text = format!("gets no identity: add the label {label}: \"true\" to the pod");
        return Description::new("no-label-on-pod", text).at(Spot::use_label());
    };
    let (rule, text) = match trigger {
        Trigger::ServiceAccount => {
            ("no-label-on-service-account", "gets no identity: its ServiceAccount lacks the label")
        }
        Trigger::Any | Trigger::Pod => {
            ("no-label", "gets no identity: neither it nor its ServiceAccount has the label")
        }
    };
    let command = label_command(account);
    Description::new(rule, text)
        .at(Spot::use_label())
        .fix(format!("to add it: {command}"))
        .paste(Paste::Command(command))
}

fn label_command(account: &Reference) -> String {
    let (namespace, name) = (account.namespace.shell_word("NAMESPACE"), account.name.shell_word("NAME"));
    // A command that is cut can't be pasted.
    let name = if name.len() + namespace.len() > 60 { "NAME" } else { &name };
    let namespace = if namespace.len() > 60 { "NAMESPACE" } else { &namespace };
    format!("kubectl label serviceaccount -n {namespace} {name} {}=true", names::USE_LABEL)
}

fn unknown(
    metadata: MetadataKind,
    name: &Untrusted,
    annotated: AnnotatedObject,
    endpoint: Option<&str>,
) -> Description {
    let (word, shown) = (metadata.word(), name.plain(90));
    let at = Spot::Metadata(metadata, name.clone());
    match keys::nearest(name.as_str(), annotated, endpoint) {
        Some(nearest) => Description::new("misspelt", format!("{word} {shown} is unknown"))
            .at(at)
            .fix(format!("did you mean {}?", short(&nearest, name.as_str()))),
        None => {
            Description::new("unknown-name", format!("{word} {shown} is unknown and has no effect")).at(at)
        }
    }
}

fn misplaced(metadata: MetadataKind, name: &Untrusted, belongs: &str) -> Description {
    let rule = match metadata {
        MetadataKind::Label => "label-misplaced",
        MetadataKind::Annotation => "annotation-misplaced",
    };
    let shown = name.plain(90);
    Description::new(rule, format!("{} {shown} has no effect here", metadata.word()))
        .at(Spot::Metadata(metadata, name.clone()))
        .fix(format!("move it to {belongs}"))
}

/// What begins the message of a mistake of another object than the workload.
fn whose_mistake(object: &Title) -> String {
    match object {
        Title::Object { kind: "ServiceAccount", .. } => format!("{object}: "),
        Title::Object { .. } | Title::Request | Title::Policy => String::new(),
    }
}

/// The warning that a workload's pods will be refused. `whose` begins the sentence if another object is wrong.
pub(crate) fn pods_refused(whose: &str, mistake: &Mistake) -> Description {
    let said = mistake.describe();
    let text = format!("its pods will be refused: {whose}{}", said.sentence);
    Description { rule: "pods-refused", sentence: cut_middle(&text, 200), ..said }
}
