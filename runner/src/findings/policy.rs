//! What the policy found, as its function `findings` exports it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{findings::Severity, response::AdmissionResponse};

/// A reason of a refusal, or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule, by its name in docs/troubleshooting.md.
    pub rule: String,
    /// How grave it is.
    pub severity: Severity,
    /// The object that it is about.
    pub object: Object,
    /// Where in that object, as kubectl writes paths, as far as it is known.
    pub path: Option<String>,
    /// The container that it is about.
    pub container: Option<String>,
    /// What stands there, escaped.
    pub found: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: Option<String>,
    /// A command that does it.
    pub command: Option<String>,
    /// Lines of a manifest that do it.
    pub manifest: Option<String>,
    /// A page that explains it.
    pub link: Option<String>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// Its namespace, if it is known.
    pub namespace: Option<String>,
    /// Its name, or its `generateName` and `*`.
    pub name: Option<String>,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.kind)?;
        let Some(name) = &self.name else { return Ok(()) };
        match self.namespace.as_deref() {
            Some(namespace) if !namespace.is_empty() => write!(f, " {namespace}/{name}"),
            Some(_) | None => write!(f, " {name}"),
        }
    }
}

impl Finding {
    /// What a policy says that exports no findings.
    #[must_use]
    pub fn unnamed(response: &AdmissionResponse) -> Vec<Self> {
        let finding = |severity, text: &str| Self {
            rule: "unknown".to_owned(),
            severity,
            object: Object { kind: String::new(), namespace: None, name: None },
            path: None,
            container: None,
            found: None,
            message: text.to_owned(),
            fix: None,
            command: None,
            manifest: None,
            link: None,
        };
        let refused = (!response.allowed).then(|| finding(Severity::Error, response.message()));
        let warnings = response.warnings.iter().flatten();
        refused.into_iter().chain(warnings.map(|warning| finding(Severity::Warning, warning))).collect()
    }
}
