//! Patterns for names of namespaces and containers: `*` stands for any text, `?` for one character.

use std::{borrow::Cow, marker::PhantomData, str::FromStr};

use fast_glob::glob_match;

use crate::value::parse::{Accepts, Rejected};

/// A pattern for names that are RFC 1123 labels, of the objects that `Of` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob<Of> {
    pattern: String,
    /// The length of the shortest name that fits.
    shortest: usize,
    of: PhantomData<Of>,
}

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
    /// Longest pattern.
    const LENGTH_MAX: usize = 253;

    /// Longest name of a namespace or a container (RFC 1123 label).
    const NAME_MAX: usize = 63;

    /// Whether `name` fits. A longer one than an object can have is not looked at: that could take its length times the pattern's.
    pub(crate) fn matches(&self, name: &str) -> bool {
        (self.shortest..=Self::NAME_MAX).contains(&name.len()) && glob_match(&self.pattern, name)
    }

    /// The pattern.
    pub(crate) fn as_str(&self) -> &str {
        &self.pattern
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
            let shortest = text.bytes().filter(|byte| *byte != b'*').count();
            Ok(Self { pattern: text.to_owned(), shortest, of: PhantomData })
        } else {
            Err(Rejected::by::<Self>())
        }
    }
}
