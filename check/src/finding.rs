//! What was found, and where it stands.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

use crate::{policy, yaml::Mark};

pub use crate::severity::Severity;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, `-` for standard input.
    pub file: Arc<str>,
    /// The file of a chart that Helm made it of.
    pub source: Option<Arc<str>>,
    /// The number of the document there, from 1; 0 where the file is meant.
    pub document: usize,
    /// Where it begins.
    pub start: Mark,
    /// Behind its last character.
    pub end: Mark,
}

impl Location {
    /// The place in its file, where it is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.start.line > 0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.is_known() {
            write!(f, ":{}:{}", self.start.line, self.start.column)?;
        }
        match &self.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

/// What else a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The object, as `Deployment team/web`.
    pub object: String,
    /// Where it is.
    pub location: Location,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The rule, by its name in docs/troubleshooting.md.
    pub rule: String,
    /// The object; empty where a file is meant.
    pub object: policy::Object,
    /// Where in the object, as kubectl writes paths, as far as it is known.
    pub path: Option<String>,
    /// The container that it is about.
    pub container: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: Option<String>,
    /// What to paste for it: a command, lines of a manifest, or a link.
    pub paste: Option<String>,
    /// Where it is.
    pub location: Location,
    /// The objects that it hits, too.
    pub related: Vec<Related>,
}

/// How many of the objects that a finding hits are named in its text.
const NAMED_MAX: usize = 4;

impl Finding {
    /// What is wrong, with the container.
    #[must_use]
    pub fn what(&self) -> String {
        let container = self.container.as_ref().filter(|_| self.severity != Severity::Error);
        let container = container.map(|name| format!("container {name} ")).unwrap_or_default();
        format!("{container}{}", self.message)
    }

    /// The objects that it hits, in brackets; nothing where there are none.
    #[must_use]
    pub fn hits(&self) -> String {
        if self.related.is_empty() {
            return String::new();
        }
        let others: Vec<&str> = self.related.iter().map(|one| one.object.as_str()).take(NAMED_MAX).collect();
        let more = match self.related.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let how = if self.object.kind == "ServiceAccount" { "used by" } else { "the same for" };
        format!(" ({how} {}{more})", others.join(", "))
    }

    /// The whole sentence after the object: what is wrong, and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = self.what();
        // What is wrong can be a table.
        let between = if what.contains('\n') { "\n" } else { "; " };
        let fix = self.fix.as_ref().map(|fix| format!("{between}{fix}")).unwrap_or_default();
        let paste = self.paste.as_ref().map(|paste| format!(":\n{paste}")).unwrap_or_default();
        format!("{what}{fix}{}{paste}", self.hits())
    }

    /// What is pasted, or else what to do.
    #[must_use]
    pub fn remedy(&self) -> Option<&String> {
        self.paste.as_ref().or(self.fix.as_ref())
    }

    /// What tells it from others, from one run to the next: not by its line, which other edits move.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Self { rule, object, path, container, message, location, .. } = self;
        let file = location.file.strip_prefix("./").unwrap_or(&location.file);
        let parts = [
            rule,
            file,
            &object.to_string(),
            path.as_deref().unwrap_or_default(),
            container.as_deref().unwrap_or_default(),
            message,
        ];
        let digest = Sha256::digest(parts.join("\n").as_bytes());
        digest.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}
