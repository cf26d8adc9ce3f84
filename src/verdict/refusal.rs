//! Why something is refused: which object, what is wrong, how to repair it.

use std::fmt;

use crate::verdict::{
    mistake::{Fault, Mistake},
    notice::Notice,
    title::Title,
    warning::Warning,
};

/// A refusal: the object and its mistake.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    /// The object.
    pub(crate) object: Title,
    /// What is wrong with it.
    pub(crate) mistake: Mistake,
    /// Where that is repaired.
    pub(crate) repair: Repair,
}

/// Where a mistake is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    /// In the cluster, by a command: the object is there.
    Cluster,
    /// In the manifest: the object is not there yet, or is made from a template.
    Manifest,
}

/// HTTP status codes of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Code {
    /// 400: the object is wrong.
    BadRequest,
    /// 403: the identity is not allowed here.
    Forbidden,
    /// 500: the ServiceAccount could not be read.
    InternalServerError,
}

impl Code {
    /// The number.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::InternalServerError => 500,
        }
    }
}

impl Refusal {
    /// A refusal of `object`.
    pub(crate) fn new(object: &Title, mistake: Mistake) -> Self {
        let repair = match object {
            Title::Object { kind: "ServiceAccount", .. } => Repair::Cluster,
            Title::Object { .. } | Title::Request | Title::Policy => Repair::Manifest,
        };
        Self { object: object.clone(), mistake, repair }
    }

    /// The same of an object that is not in the cluster yet.
    pub(crate) fn in_manifest(self) -> Self {
        Self { repair: Repair::Manifest, ..self }
    }

    /// Whose mistake it is.
    pub(crate) fn fault(&self) -> Fault {
        let of_service_account = matches!(self.object, Title::Object { kind: "ServiceAccount", .. });
        match &self.mistake {
            Mistake::WrongAnnotation(_) if of_service_account => Fault::Elsewhere,
            Mistake::IdentityNotAllowed { fault, .. } | Mistake::OwnIdNotAllowed { fault, .. } => *fault,
            Mistake::WrongAnnotation(_)
            | Mistake::ProxyOnHostNetwork
            | Mistake::ProxyOnWindows
            | Mistake::MountHidesToken { .. }
            | Mistake::VolumeNameTaken { .. }
            | Mistake::NoSuchName(_)
            | Mistake::TooLarge
            | Mistake::Malformed(_) => Fault::Template,
            Mistake::NoTenant
            | Mistake::ClientIdRequired
            | Mistake::LookUp { .. }
            | Mistake::BadSettings(_) => Fault::Elsewhere,
        }
    }

    /// The same as a warning, of an object that was wrong before.
    pub(crate) fn still_wrong(self) -> Warning {
        Warning::new(&self.object, Notice::StillWrong(self.mistake))
    }

    /// The same as a warning of `workload`, whose pods will be refused for it.
    pub(crate) fn of_pods(self, workload: &Title) -> Warning {
        let Self { object, mistake, .. } = self;
        Warning::new(workload, Notice::PodsRefused { object, mistake })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let said = self.describe();
        write!(f, "{}: {}\n{}", self.object, said.line(), said.paste.text())
    }
}
