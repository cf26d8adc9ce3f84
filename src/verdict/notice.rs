//! Mistakes that cause a warning, not a refusal, as data. The sentences are in [`crate::verdict::messages`].

use crate::{
    text::Untrusted,
    value::{
        keys::{AnnotatedObject, MetadataKind},
        names,
        port::ProxyPort,
        reference::Reference,
        use_label::Trigger,
    },
    verdict::{
        mistake::{LookUpFailure, Mistake},
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
    /// A container brings its own token.
    OwnToken,
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
