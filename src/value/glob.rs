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
    /// What each name that fits begins and ends with.
    ends: (String, String),
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

    /// Whether `name` matches. A name that is too long for an object is not compared: that could take its length times the pattern's.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (start, end) = &self.ends;
        (self.shortest..=Self::NAME_MAX).contains(&name.len())
            && name.starts_with(start.as_str())
            && name.ends_with(end.as_str())
            && glob_match(&self.pattern, name)
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
            let start = text.split(['*', '?']).next().unwrap_or_default().to_owned();
            let end = text.rsplit(['*', '?']).next().unwrap_or_default().to_owned();
            Ok(Self { pattern: text.to_owned(), shortest, ends: (start, end), of: PhantomData })
        } else {
            Err(Rejected::by::<Self>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_names_with_wildcards() {
        let long = "a".repeat(64);
        for (pattern, name, fits) in [
            ("team", "team", true),
            ("team", "teams", false),
            ("team-*", "team-", true),
            ("team-*", "team", false),
            ("*-proxy", "istio-proxy", true),
            ("*-proxy", "proxy", false),
            ("a*b?d", "abcd", true),
            ("a?", "a", false),
            ("aa*aa", "aaa", false),
            ("*", "", true),
            ("*", &long[..63], true),
            ("*", &long, false),
        ] {
            let glob: Glob<Namespaces> = pattern.parse().unwrap();
            assert_eq!(glob.matches(name), fits, "{pattern} {name}");
        }
        for pattern in ["", "Team", "team_a", &"*".repeat(254)] {
            assert_eq!(pattern.parse::<Glob<Containers>>().ok(), None, "{pattern}");
        }
    }
}
