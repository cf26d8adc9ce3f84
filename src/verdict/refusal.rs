//! Why something is refused: which object, what is wrong, how to repair it.

use std::fmt;

use crate::{
    value::kind::Kind,
    verdict::{
        description::Description,
        facts::{Code, Fault, Repair},
        mistake::Mistake,
        notice::Notice,
        title::Title,
        warning::Warning,
    },
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

impl Refusal {
    /// A refusal of `object`.
    pub(crate) fn new(object: &Title, mistake: Mistake) -> Self {
        let repair = match object {
            Title::Object { kind: Kind::ServiceAccount, .. } => Repair::Cluster,
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
        let of_account = matches!(self.object, Title::Object { kind: Kind::ServiceAccount, .. });
        let of_object = if of_account { Fault::Elsewhere } else { Fault::Template };
        self.mistake.row().fault.unwrap_or(of_object)
    }

    /// HTTP status code for the API server's answer.
    pub(crate) fn code(&self) -> Code {
        self.mistake.row().code
    }

    /// Whether another one says the same of the same object. What a mistake is made of is not compared: that alone would be 2 KB of code.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        if let (Mistake::WrongAnnotation(one), Mistake::WrongAnnotation(two)) =
            (&self.mistake, &other.mistake)
        {
            return one == two;
        }
        let (one, two) = (self.describe(), other.describe());
        (one.rule, one.sentence, one.found) == (two.rule, two.sentence, two.found)
    }

    /// Everything that is said about it: the mistake, and how this object is repaired.
    pub(crate) fn describe(&self) -> Description {
        let (description, fix) = self.mistake.row().words();
        fix.describe(description, &self.object, self.repair)
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
