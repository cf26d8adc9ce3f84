//! Mistakes that cause a warning, not a refusal: each with its rule, sentence, place and fix, in one table.

use std::fmt;

use crate::{
    text::{Untrusted, cut_middle},
    value::{
        keys::{AnnotatedObject, MetadataKind},
        kind::Kind,
        names,
        port::ProxyPort,
        reference::Reference,
        use_label::Trigger,
    },
    verdict::{
        description::Description,
        facts::LookUpFailure,
        mistake::Mistake,
        notice_labels::{listed, misplaced, no_label, unknown},
        spot::Spot,
        title::Title,
    },
};

/// What a warning says of its object.
#[derive(Debug, PartialEq)]
#[cfg_attr(
    test,
    derive(strum::EnumDiscriminants),
    strum_discriminants(derive(Hash, strum::EnumIter), vis(pub(crate)))
)]
pub(crate) enum Notice {
    /// The ServiceAccount has no client ID, and need not have one.
    NoClientId,
    /// `skip-containers` names a container that is not there.
    SkipsNobody {
        /// The name.
        name: Untrusted,
        /// What was likely meant.
        hint: SkipHint,
    },
    /// `container-identities` names a container that is not there, or gets no identity.
    IdentityOfNobody {
        /// The name.
        name: Untrusted,
        /// The containers that get one.
        there: Untrusted,
    },
    /// A container has another value of a variable that would be injected.
    OwnValue {
        /// The variable.
        variable: &'static str,
    },
    /// A container has a credential that `DefaultAzureCredential` takes before the identity.
    CredentialWins {
        /// The variable that gives it.
        variable: &'static str,
        /// Whether the variable is there.
        source: Source,
    },
    /// A container asks for the node's identity, which it does not get.
    NodesIdentity {
        /// Where.
        field: Asked,
    },
    /// A container tells `DefaultAzureCredential` to leave workload identity out.
    LeftOut,
    /// A variable of the container's own refers to one that is added after it.
    RefersToInjected {
        /// The container's variable.
        own: Untrusted,
        /// The one that is added.
        injected: &'static str,
    },
    /// A variable names the token's file where it is not.
    OtherTokenFile {
        /// The container's variable.
        own: Untrusted,
    },
    /// A pod or workload gets no identity, because no label asks for one, though something else says that one was meant.
    NoLabel {
        /// Its ServiceAccount, where it was read.
        account: Option<Reference>,
        /// Whose label would have to ask.
        trigger: Trigger,
    },
    /// The client ID is all zeros.
    ZeroId,
    /// The client ID is the tenant's.
    TenantAsClient,
    /// A ServiceAccount gets another client ID, which its running pods don't have.
    ClientIdChanged,
    /// A container brings its own token.
    OwnToken,
    /// A container mounts its own token by `subPath`.
    TokenBySubPath {
        /// Where.
        path: Untrusted,
    },
    /// A container has a token of a reserved volume for another audience.
    OtherAudience(Untrusted),
    /// The token path in a container's variable can't be determined.
    TokenFileUnknown,
    /// The proxy exchanges the pod's token for any identity that a container asks for.
    ProxyServesAny,
    /// A container mounts something above the token's mount point that can't be written to.
    ReadOnlyAbove {
        /// The volume.
        volume: Untrusted,
        /// Where it is mounted.
        path: Untrusted,
    },
    /// A label or annotation that no version of workload identity has.
    Unknown {
        /// Which of the two.
        metadata: MetadataKind,
        /// Its name.
        name: Untrusted,
        /// The object that it is on.
        annotated: AnnotatedObject,
        /// The annotation of the custom token endpoint, where one is set up.
        endpoint: Option<String>,
    },
    /// An annotation's name, used for a label.
    AnnotationAsLabel {
        /// Its name.
        name: Untrusted,
        /// The object on which it has an effect.
        annotated: AnnotatedObject,
    },
    /// An annotation that needs a setting, which is not set.
    NotSet {
        /// The annotation.
        annotation: Untrusted,
        /// The setting.
        setting: &'static str,
    },
    /// The proxy's port, without the proxy.
    PortWithoutProxy,
    /// A value that was likely meant to decline the proxy, and asks for it.
    ProxyNotDeclined(Untrusted),
    /// A label or annotation that has no effect where it stands.
    Misplaced {
        /// Which of the two.
        metadata: MetadataKind,
        /// Its name.
        name: Untrusted,
        /// Where it would have an effect.
        belongs: String,
    },
    /// The label's name, used for an annotation.
    LabelAsAnnotation,
    /// The label has a value that is ignored.
    LabelIgnored(Untrusted),
    /// The label of the retired aad-pod-identity.
    RetiredBinding,
    /// The command or the arguments of a container name the token's file where it is not.
    TokenFileInArguments {
        /// Which of the two.
        field: &'static str,
    },
    /// A container listens on the proxy's port.
    ProxyPortTaken(ProxyPort),
    /// The pod forbids containers that run as root, and the proxy's init container runs as root.
    ProxyRunsAsRoot,
    /// A ServiceAccount's annotations, which have no effect without its label.
    AnnotationsWithoutLabel,
    /// `onLookupFailure: Admit` admitted a pod.
    AdmittedUnread {
        /// The pod.
        pod: Title,
        /// Why its ServiceAccount could not be read.
        failure: LookUpFailure,
    },
    /// A workload's ServiceAccount could not be read.
    WorkloadUnread {
        /// Which.
        reference: Reference,
        /// Why.
        failure: LookUpFailure,
    },
    /// What was wrong before, and still is.
    StillWrong(Mistake),
    /// What the pods of a workload will be refused for.
    PodsRefused {
        /// The object that is wrong: the workload itself, or its ServiceAccount.
        object: Title,
        /// What is wrong with it.
        mistake: Mistake,
    },
}

/// Whether a container has a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// It has.
    Certain,
    /// Only where a ConfigMap or a Secret has the key (`optional: true`).
    Optional,
}

/// Where a container asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// In a variable.
    Variable(Untrusted),
    /// In one of the fields with commands.
    Command(&'static str),
}

/// What a name in `skip-containers` that no container has was likely meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SkipHint {
    /// Several names, separated by something else.
    Separator,
    /// One of these: the names of the pod's containers.
    OneOf(Untrusted),
}

impl Notice {
    /// The label, where it has no effect.
    pub(crate) fn misplaced_label(belongs: String) -> Self {
        Self::Misplaced { metadata: MetadataKind::Label, name: names::USE_LABEL.into(), belongs }
    }

    /// An annotation, where it has no effect.
    pub(crate) fn misplaced_annotation(name: &str, belongs: impl Into<String>) -> Self {
        Self::Misplaced { metadata: MetadataKind::Annotation, name: name.into(), belongs: belongs.into() }
    }
}

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
                format!("no client-id annotation, so {} is not set", names::AZURE_CLIENT_ID),
            )
            .at(Spot::annotation(names::CLIENT_ID))
            .fix("fine if told elsewhere"),
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
            Self::CredentialWins { variable, source } => {
                let optional = if *source == Source::Optional { "optional " } else { "" };
                let text = format!("has {optional}{variable}, which DefaultAzureCredential tries first");
                let said = new("credential-wins", text).at(Spot::env(variable));
                if *source == Source::Optional { said } else { said.fix("remove it") }
            }
            Self::NodesIdentity { field } => {
                let (place, spot) = match field {
                    Asked::Variable(name) => (name.plain(40), Spot::Env(name.clone())),
                    Asked::Command(field) => ((*field).to_owned(), Spot::OfContainer(field)),
                };
                new("nodes-identity", format!("asks for the node's identity in {place}"))
                    .at(spot)
                    .fix("use $AZURE_FEDERATED_TOKEN_FILE")
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
            Self::ZeroId | Self::TenantAsClient => {
                let (rule, what) = if matches!(self, Self::ZeroId) {
                    ("zero-client-id", "all zeros, a placeholder")
                } else {
                    ("tenant-as-client", "the tenant's ID")
                };
                new(rule, format!("client-id is {what}"))
                    .at(Spot::annotation(names::CLIENT_ID))
                    .fix("set it to the identity's client ID")
            }
            Self::ClientIdChanged => {
                Description::new("client-id-changed", "its running pods keep the old client ID")
                    .at(Spot::annotation(names::CLIENT_ID))
                    .fix("restart its workloads")
            }
            Self::TokenBySubPath { path } => {
                new("token-by-subpath", "mounts its token by subPath, which is never renewed".to_owned())
                    .at(Spot::Mount(path.clone()))
                    .fix("mount the folder")
            }
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
                let said = mistake.row().words().0;
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

/// What begins the message of a mistake of another object than the workload.
fn whose_mistake(object: &Title) -> String {
    match object {
        Title::Object { kind: Kind::ServiceAccount, .. } => format!("{object}: "),
        Title::Object { .. } | Title::Request | Title::Policy => String::new(),
    }
}

/// The warning that a workload's pods will be refused. `whose` begins the sentence if another object is wrong.
pub(crate) fn pods_refused(whose: &str, mistake: &Mistake) -> Description {
    let said = mistake.row().words().0;
    let text = format!("its pods will be refused: {whose}{}", said.sentence);
    Description { rule: "pods-refused", sentence: cut_middle(&text, 200), ..said }
}
