//! A warning, as `kubectl` prints it.

use std::fmt;

use crate::{
    tally::Tally,
    text::{Untrusted, cut_middle},
    verdict::{notice::Notice, title::Title},
};

/// A mistake that does not refuse the object. Shown by `kubectl` as `Warning: …`.
#[derive(Debug, PartialEq)]
pub(crate) struct Warning {
    /// The object that it is about.
    pub(crate) about: About,
    /// What it says.
    pub(crate) notice: Notice,
}

/// The warnings of an answer.
pub(crate) type Warnings = Tally<Warning>;

/// What a warning is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// An object.
    Object(Title),
    /// A container of it.
    Container(Title, Untrusted),
}

/// Longest warning, in characters: the API server cuts longer ones (Kubernetes `admission/v1` `AdmissionResponse.Warnings`).
pub(crate) const WARNING_MAX: usize = 256;

impl Warning {
    /// A warning about an object.
    pub(crate) fn new(about: &Title, notice: Notice) -> Self {
        Self { about: About::Object(about.clone()), notice }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Object(title) => title.fmt(f),
            Self::Container(title, name) => write!(f, "{title}: container {}", name.plain(63)),
        }
    }
}

impl fmt::Display for Warning {
    /// The name is cut rather than the text: a cut command can't be pasted.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = cut_middle(&self.notice.to_string(), WARNING_MAX - 40);
        let verb = match self.about {
            About::Object(_) => ": ",
            About::Container(..) => " ",
        };
        let room = WARNING_MAX - verb.len() - text.chars().count();
        write!(f, "{}{verb}{text}", cut_middle(&self.about.to_string(), room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::kind::Kind;

    #[test]
    fn cuts_the_name_but_never_the_fix() {
        let title = Title::of(Kind::Pod, &"n".repeat(63), &"p".repeat(253));
        let text = Warning::new(&title, Notice::RetiredBinding).to_string();
        assert!(text.chars().count() <= 256 && text.starts_with("Pod nnn"), "{text}");
        assert!(text.ends_with(&format!("p: {}", Notice::RetiredBinding)), "{text}");
    }
}
