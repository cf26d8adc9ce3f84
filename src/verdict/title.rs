//! What messages call an object.

use std::fmt;

use crate::{
    text::{NAME_MAX, Untrusted},
    value::{kind::Kind, reference::Reference},
};

/// An object, as `ServiceAccount default/myserviceaccount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Title {
    /// The request itself, where it can't be told what it is about.
    Request,
    /// This policy.
    Policy,
    /// An object of the cluster.
    Object {
        /// Its kind.
        kind: Kind,
        /// Its namespace, empty where it can't be told.
        namespace: Untrusted,
        /// Its name, or its `generateName` and `*`.
        name: Untrusted,
    },
}

impl Title {
    /// The title of an object.
    pub(crate) fn of(kind: Kind, namespace: &str, name: &str) -> Self {
        Self::Object { kind, namespace: namespace.into(), name: name.into() }
    }

    /// The title of an object that may have no name yet, only a `generateName`.
    pub(crate) fn of_generated(kind: Kind, namespace: &str, prefix: &str) -> Self {
        Self::of(kind, namespace, &format!("{prefix}*"))
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Request => f.write_str("Request"),
            Self::Policy => f.write_str("Policy"),
            Self::Object { kind, namespace, name } if namespace.as_str().is_empty() => {
                write!(f, "{kind} {}", name.plain(NAME_MAX))
            }
            Self::Object { kind, namespace, name } => {
                write!(f, "{kind} {}/{}", namespace.plain(NAME_MAX), name.plain(NAME_MAX))
            }
        }
    }
}

impl Reference {
    /// The ServiceAccount's title.
    pub(crate) fn title(&self) -> Title {
        Title::of(Kind::ServiceAccount, self.namespace.as_str(), self.name.as_str())
    }
}
