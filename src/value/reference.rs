//! Which ServiceAccount.

use std::fmt;

use crate::text::{NAME_MAX, Untrusted};

/// A ServiceAccount, by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its namespace.
    pub namespace: Untrusted,
    /// Its name.
    pub name: Untrusted,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.namespace.plain(NAME_MAX), self.name.plain(NAME_MAX))
    }
}
