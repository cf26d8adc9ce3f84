//! The projected ServiceAccount token: how long, for whom, in which volume.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::value::names;

/// Seconds that the projected token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenExpiration(u32);

/// A text or number that is no token expiration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotATokenExpiration;

impl TokenExpiration {
    /// Shortest, in seconds (webhook `MinServiceAccountTokenExpiration`).
    pub const MIN: u32 = 3600;
    /// Longest, in seconds (webhook `MaxServiceAccountTokenExpiration`).
    pub const MAX: u32 = 86_400;
    /// Where nothing else is said, in seconds (webhook `DefaultServiceAccountTokenExpiration`).
    pub const DEFAULT: Self = Self(3600);

    /// Seconds, for the volume.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::from(self.0)
    }

    /// What is accepted, for messages.
    #[must_use]
    pub fn accepted() -> String {
        format!("whole seconds from {} to {}", Self::MIN, Self::MAX)
    }
}

impl TryFrom<i64> for TokenExpiration {
    type Error = NotATokenExpiration;

    /// # Errors
    /// Outside of [`Self::MIN`]..=[`Self::MAX`].
    fn try_from(seconds: i64) -> Result<Self, NotATokenExpiration> {
        u32::try_from(seconds)
            .ok()
            .filter(|seconds| (Self::MIN..=Self::MAX).contains(seconds))
            .map(Self)
            .ok_or(NotATokenExpiration)
    }
}

impl FromStr for TokenExpiration {
    type Err = NotATokenExpiration;

    /// Reads what Go's `strconv.ParseInt(text, 10, 64)` reads, as the webhook does.
    ///
    /// # Errors
    /// `1h`, `3600.0`, ` 3600`, `60`, `86401`.
    fn from_str(text: &str) -> Result<Self, NotATokenExpiration> {
        text.parse::<i64>().map_err(|_| NotATokenExpiration)?.try_into()
    }
}

/// The audience of the projected token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(String);

/// A text that is no audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnAudience;

impl Audience {
    /// What is accepted, for messages.
    pub const ACCEPTED: &'static str = "a text without blanks, such as api://AzureADTokenExchange";

    /// As it stands in the volume.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Audience {
    fn default() -> Self {
        Self(names::DEFAULT_AUDIENCE.to_owned())
    }
}

impl FromStr for Audience {
    type Err = NotAnAudience;

    /// # Errors
    /// Empty (Kubernetes would put the API server's own audience in its place), or with blanks or control characters.
    fn from_str(text: &str) -> Result<Self, NotAnAudience> {
        let bad = text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control());
        if bad { Err(NotAnAudience) } else { Ok(Self(text.to_owned())) }
    }
}

/// What a pod is called when it is admitted: a controller's pods have no name yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodName {
    /// `metadata.name`.
    Name(String),
    /// `metadata.generateName`, empty where that is missing too.
    Prefix(String),
}

impl fmt::Display for PodName {
    /// As messages and the volume's hash have it (webhook `webhook.go`, `Handle`).
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix} (prefix)"),
        }
    }
}

/// Where volume, mount and token are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The webhook's since v1.6.
    V1,
    /// The webhook's up to v1.5.
    Legacy,
}

impl Layout {
    /// What is accepted, for messages.
    pub const ACCEPTED: &'static str = "V1 or Legacy";

    /// The reserved volume's name (webhook `webhook.go`, `buildVolumeName`).
    #[must_use]
    pub fn volume_name(self, pod: &PodName) -> String {
        match self {
            Self::Legacy => names::LEGACY_VOLUME.to_owned(),
            Self::V1 => {
                let mut name = names::VOLUME_PREFIX.to_owned();
                for byte in Sha256::digest(pod.to_string().as_bytes()) {
                    name.push(hex_digit(byte >> 4));
                    name.push(hex_digit(byte & 0xf));
                }
                name.truncate(names::VOLUME_NAME_MAX);
                name
            }
        }
    }

    /// Where the volume is mounted.
    #[must_use]
    pub fn mount_path(self) -> &'static str {
        match self {
            Self::V1 => names::MOUNT_PATH,
            Self::Legacy => names::LEGACY_MOUNT_PATH,
        }
    }

    /// The token's path within the volume.
    #[must_use]
    pub fn token_path(self) -> &'static str {
        match self {
            Self::V1 => names::TOKEN_PATH,
            Self::Legacy => names::LEGACY_TOKEN_PATH,
        }
    }

    /// Where the container finds the token.
    #[must_use]
    pub fn token_file(self) -> String {
        format!("{}/{}", self.mount_path(), self.token_path())
    }
}

impl FromStr for Layout {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "V1" => Ok(Self::V1),
            "Legacy" => Ok(Self::Legacy),
            _ => Err(()),
        }
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_the_pods_name_as_the_webhook_does() {
        let name = PodName::Name("yadaapi".to_owned());
        assert_eq!(
            Layout::V1.volume_name(&name),
            "azure-workload-identity-reserved-d3f089d52aa311812405d5d067015a"
        );
        // echo -n 'yadaapi-7d4b9c- (prefix)' | sha256sum
        let prefix = PodName::Prefix("yadaapi-7d4b9c-".to_owned());
        assert_eq!(
            Layout::V1.volume_name(&prefix),
            "azure-workload-identity-reserved-7591a5e9eb6025d887c25bf0c787f6"
        );
        assert_eq!(Layout::Legacy.volume_name(&name), "azure-identity-token");
    }

    #[test]
    fn puts_the_token_where_each_layout_has_it() {
        assert_eq!(Layout::V1.token_file(), "/var/run/secrets/azure/wi/token/azure-identity-token");
        assert_eq!(Layout::Legacy.token_file(), "/var/run/secrets/azure/tokens/azure-identity-token");
    }

    #[test]
    fn accepts_expirations_within_the_bounds() {
        for (text, seconds) in [("3600", 3600), ("86400", 86400), ("+7200", 7200), ("07200", 7200)] {
            assert_eq!(text.parse::<TokenExpiration>().unwrap().seconds(), seconds);
        }
        for text in
            ["", "3599", "86401", "1h", "3600.0", " 3600", "3_600", "-3600", "99999999999999999999", "0x1000"]
        {
            assert_eq!(text.parse::<TokenExpiration>(), Err(NotATokenExpiration), "{text:?}");
        }
    }

    #[test]
    fn refuses_an_audience_that_kubernetes_would_replace() {
        assert_eq!("api://x".parse::<Audience>().unwrap().as_str(), "api://x");
        for text in ["", " ", "a b", "a\n"] {
            assert_eq!(text.parse::<Audience>(), Err(NotAnAudience), "{text:?}");
        }
    }
}
