//! The projected ServiceAccount token: for how long, and for whom.

use std::{borrow::Cow, str::FromStr};

use crate::value::{
    names,
    parse::{Accepts, Rejected},
};

/// Seconds that the projected token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenExpiration(u32);

impl TokenExpiration {
    /// Shortest, in seconds (webhook `MinServiceAccountTokenExpiration`).
    pub(crate) const MIN: u32 = 3600;
    /// Longest, in seconds (webhook `MaxServiceAccountTokenExpiration`).
    pub(crate) const MAX: u32 = 86_400;
    /// The default, in seconds (webhook `DefaultServiceAccountTokenExpiration`).
    pub(crate) const DEFAULT: Self = Self(3600);

    /// Seconds, for the volume.
    #[must_use]
    pub(crate) fn seconds(self) -> i64 {
        i64::from(self.0)
    }
}

impl Accepts for TokenExpiration {
    fn accepted() -> Cow<'static, str> {
        Cow::Owned(format!("a whole number of seconds from {} to {}", Self::MIN, Self::MAX))
    }

    const PLACEHOLDER: &'static str = "3600";
}

impl FromStr for TokenExpiration {
    type Err = Rejected;

    /// Reads what Go's `strconv.ParseInt(text, 10, 64)` reads, as the webhook does.
    ///
    /// # Errors
    /// `1h`, `3600.0`, ` 3600`, `60`, `86401`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        text.parse::<i64>()
            .ok()
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|seconds| (Self::MIN..=Self::MAX).contains(seconds))
            .map(Self)
            .ok_or_else(Rejected::by::<Self>)
    }
}

/// The audience of the projected token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audience(String);

impl Audience {
    /// As it stands in the volume.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Accepts for Audience {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("text without spaces, such as api://AzureADTokenExchange")
    }
}

impl Default for Audience {
    fn default() -> Self {
        Self(names::DEFAULT_AUDIENCE.to_owned())
    }
}

impl FromStr for Audience {
    type Err = Rejected;

    /// # Errors
    /// Empty (Kubernetes would put the API server's own audience in its place), or with blanks or control characters.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        let bad = text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control());
        if bad { Err(Rejected::by::<Self>()) } else { Ok(Self(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_expirations_within_the_bounds() {
        for (text, seconds) in [("3600", 3600), ("86400", 86400), ("+7200", 7200), ("07200", 7200)] {
            assert_eq!(text.parse::<TokenExpiration>().unwrap().seconds(), seconds);
        }
        for text in
            ["", "3599", "86401", "1h", "3600.0", " 3600", "3_600", "-3600", "99999999999999999999", "0x1000"]
        {
            assert_eq!(text.parse::<TokenExpiration>().ok(), None, "{text:?}");
        }
    }

    #[test]
    fn refuses_an_audience_that_kubernetes_would_replace() {
        assert_eq!("api://x".parse::<Audience>().unwrap().as_str(), "api://x");
        for text in ["", " ", "a b", "a\n"] {
            assert_eq!(text.parse::<Audience>().ok(), None, "{text:?}");
        }
    }
}
