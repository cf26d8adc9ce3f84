//! Where volume, mount and token are.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::value::{names, parse::Choice};

/// What a pod is called when it is admitted: a controller's pods have no name yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PodName {
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
pub(crate) enum Layout {
    /// The webhook's since v1.6.
    V1,
    /// The webhook's up to v1.5.
    Legacy,
}

impl Layout {
    /// The reserved volume's name (webhook `webhook.go`, `buildVolumeName`).
    #[must_use]
    pub(crate) fn volume_name(self, pod: &PodName) -> String {
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
    pub(crate) fn mount_path(self) -> &'static str {
        match self {
            Self::V1 => names::MOUNT_PATH,
            Self::Legacy => names::LEGACY_MOUNT_PATH,
        }
    }

    /// The token's path within the volume.
    #[must_use]
    pub(crate) fn token_path(self) -> &'static str {
        match self {
            Self::V1 => names::TOKEN_PATH,
            Self::Legacy => names::LEGACY_TOKEN_PATH,
        }
    }

    /// Where the container finds the token.
    #[must_use]
    pub(crate) fn token_file(self) -> String {
        format!("{}/{}", self.mount_path(), self.token_path())
    }
}

impl Choice for Layout {
    const CHOICES: &'static [(&'static str, Self)] = &[("V1", Self::V1), ("Legacy", Self::Legacy)];
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
}
