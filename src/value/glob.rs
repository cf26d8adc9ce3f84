//! Patterns for names of namespaces and containers: `*` stands for any text, `?` for one character.

use std::{borrow::Cow, str::FromStr};

use fast_glob::glob_match;

use crate::value::parse::{Accepts, Rejected};

/// A pattern for names that are RFC 1123 labels, as those of namespaces and containers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamespaceGlob(String);

impl NamespaceGlob {
    /// Whether `name` fits.
    pub(crate) fn matches(&self, name: &str) -> bool {
        glob_match(&self.0, name)
    }

    /// The pattern.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Accepts for NamespaceGlob {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("a namespace name, with * and ? as wildcards")
    }
}

impl FromStr for NamespaceGlob {
    type Err = Rejected;

    /// # Errors
    /// Empty, or a character that no namespace's name has: `Team`, `team_a`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        if is_pattern(text) { Ok(Self(text.to_owned())) } else { Err(Rejected::by::<Self>()) }
    }
}

/// A pattern for names of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerGlob(String);

impl ContainerGlob {
    /// Whether `name` fits.
    pub(crate) fn matches(&self, name: &str) -> bool {
        glob_match(&self.0, name)
    }

    /// The pattern.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Accepts for ContainerGlob {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("a container name, with * and ? as wildcards")
    }
}

impl FromStr for ContainerGlob {
    type Err = Rejected;

    /// # Errors
    /// Empty, or a character that no container's name has: `Istio`, `a;b`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        if is_pattern(text) { Ok(Self(text.to_owned())) } else { Err(Rejected::by::<Self>()) }
    }
}

fn is_pattern(text: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'*' | b'?');
    !text.is_empty() && text.bytes().all(fits)
}
