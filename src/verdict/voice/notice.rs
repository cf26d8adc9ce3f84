//! Warnings, in a sentence each.

use std::fmt;

use crate::{
    text::{Untrusted, cut_middle},
    value::names,
    verdict::{
        mistake::Mistake,
        notice::{MetadataKind, Notice},
        title::Title,
    },
};

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoClientId => {
                write!(f, "no annotation {}, so {} is not set", names::CLIENT_ID, names::AZURE_CLIENT_ID)
            }
            Self::SkipsNobody(name) => skips_nobody(f, name),
            Self::OwnValue { variable } => write!(
                f,
                "sets {variable} to a different value than the identity's; remove it unless you mean it"
            ),
            Self::OwnToken => write!(
                f,
                "brings a token of its own at {}, and is left as it is",
                names::AZURE_FEDERATED_TOKEN_FILE
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
            Self::UnknownAnnotation { .. }
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
            Self::UnknownAnnotation { name, nearest } => {
                let name = name.plain(90);
                write!(f, "annotation {name} is unknown, did you mean {nearest}?")
            }
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
            | Self::SkipsNobody(_)
            | Self::OwnValue { .. }
            | Self::OwnToken
            | Self::ProxyRunsAsRoot
            | Self::AdmittedUnread { .. }
            | Self::WorkloadUnread { .. }
            | Self::StillWrong(_)
            | Self::PodsRefused { .. } => Ok(()),
        }
    }
}

fn skips_nobody(f: &mut fmt::Formatter, name: &Untrusted) -> fmt::Result {
    let separator = if name.as_str().contains(',') { " (separate them with ;)" } else { "" };
    write!(f, "skip-containers names {}, but no container has that name{separator}", name.quoted_to(63))
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
