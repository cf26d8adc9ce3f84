//! Patterns for names of namespaces and containers: `*` stands for any text, `?` for one character.

use std::{borrow::Cow, marker::PhantomData, str::FromStr};

use fast_glob::glob_match;

use crate::value::parse::{Accepts, Rejected};

/// A pattern for names that are RFC 1123 labels, of the objects that `Of` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob<Of>(String, PhantomData<Of>);

/// Whose names a pattern is for.
pub(crate) trait Named {
    /// What is accepted, as messages have it.
    const ACCEPTED: &'static str;
}

/// Namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namespaces;

impl Named for Namespaces {
    const ACCEPTED: &'static str = "a namespace name, with * and ? as wildcards";
}

/// Containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Containers;

impl Named for Containers {
    const ACCEPTED: &'static str = "a container name, with * and ? as wildcards";
}

impl<Of> Glob<Of> {
    /// Longest pattern, and longest name that one can fit: more than a label has (RFC 1123: 63).
    const LENGTH_MAX: usize = 253;

    /// Whether `name` fits. A longer one is of no object, and matching it could take its length times the pattern's.
    pub(crate) fn matches(&self, name: &str) -> bool {
        name.len() <= Self::LENGTH_MAX && glob_match(&self.0, name)
    }

    /// The pattern.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<Of: Named> Accepts for Glob<Of> {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed(Of::ACCEPTED)
    }
}

impl<Of: Named> FromStr for Glob<Of> {
    type Err = Rejected;

    /// # Errors
    /// Empty, longer than 253 bytes, or a character that no such name has: `Team`, `team_a`, `a;b`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'*' | b'?')
        };
        if (1..=Self::LENGTH_MAX).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned(), PhantomData))
        } else {
            Err(Rejected::by::<Self>())
        }
    }
}
