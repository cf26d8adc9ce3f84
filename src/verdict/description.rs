//! What is said of a mistake or a notice, as data.

use crate::{text::Untrusted, verdict::spot::Spot};

/// What is said of a mistake or a notice. Sentence, rule and fix of each stand together where its kind is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// The name of its rule, stable: a row of docs/troubleshooting.md.
    pub(crate) rule: &'static str,
    /// What is wrong.
    pub(crate) sentence: String,
    /// Where in the object, as far as it is known.
    pub(crate) spot: Option<Spot>,
    /// The container that it is about.
    pub(crate) container: Option<Untrusted>,
    /// The value that stands there, escaped.
    pub(crate) found: Option<String>,
    /// What to do.
    pub(crate) fix: Option<String>,
    /// What to paste.
    pub(crate) paste: Paste,
}

/// What a fix can be pasted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paste {
    /// Nothing.
    Nothing,
    /// A command of a POSIX shell.
    Command(String),
    /// Lines of a manifest.
    Manifest(String),
    /// A page that explains it.
    Link(String),
}

impl Paste {
    /// The text itself.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Nothing => "",
            Self::Command(text) | Self::Manifest(text) | Self::Link(text) => text,
        }
    }
}

impl Description {
    /// One that is nothing but a sentence.
    pub(crate) fn new(rule: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            rule,
            sentence: sentence.into(),
            spot: None,
            container: None,
            found: None,
            fix: None,
            paste: Paste::Nothing,
        }
    }

    /// The same, at this place of the object.
    pub(crate) fn at(self, spot: Spot) -> Self {
        Self { spot: Some(spot), ..self }
    }

    /// The same, about this container.
    pub(crate) fn of(self, container: &Untrusted) -> Self {
        Self { container: Some(container.clone()), ..self }
    }

    /// The same, where this value was found.
    pub(crate) fn found(self, found: &Untrusted) -> Self {
        Self { found: Some(found.plain(160)), ..self }
    }

    /// The same, with what to do.
    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    /// The same, with what to paste.
    pub(crate) fn paste(self, paste: Paste) -> Self {
        Self { paste, ..self }
    }

    /// Sentence and fix in one line.
    pub(crate) fn line(&self) -> String {
        match &self.fix {
            Some(fix) => format!("{}; {fix}", self.sentence),
            None => self.sentence.clone(),
        }
    }
}
