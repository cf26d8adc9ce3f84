//! Where volume, mount and token are.

use std::{borrow::Cow, fmt, rc::Rc, str::FromStr};

use sha2::{Digest, Sha256};

use crate::value::{
    names,
    parse::{Accepts, Choice, Rejected},
};

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

/// Where volume, mount and token are: as one of the webhook's versions has them.
///
/// | layout | webhook | volume | mount path | path in the volume |
/// |---|---|---|---|---|
/// | `PerPod` | since 1.6.1 | `azure-workload-identity-reserved-<hash>` | `/var/run/secrets/azure/wi/<hash>` | `token/azure-identity-token` |
/// | `Fixed` | 1.6.0 | `azure-workload-identity-reserved-<hash>` | `/var/run/secrets/azure/wi` | `token/azure-identity-token` |
/// | `Legacy` | up to 1.5 | `azure-identity-token` | `/var/run/secrets/azure/tokens` | `azure-identity-token` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A mount path for each pod.
    PerPod,
    /// The same mount path in every pod, and a volume's name for each.
    Fixed,
    /// The same mount path and volume's name in every pod.
    Legacy,
}

/// A place for a token: which volume, and where in a container. Thousands of containers can have the same one, and its texts be long, so they
/// are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The volume's name.
    pub volume: Rc<str>,
    /// Where it is mounted.
    pub mount_path: Rc<str>,
    /// The token's path within the volume.
    pub token_path: Rc<str>,
}

impl Place {
    /// Where the container finds the token.
    pub(crate) fn token_file(&self) -> String {
        format!("{}/{}", self.mount_path, self.token_path)
    }

    /// Whether `file` is that, to the letter.
    pub(crate) fn is_token_file(&self, file: &str) -> bool {
        let rest = file.strip_prefix(&*self.mount_path).and_then(|rest| rest.strip_prefix('/'));
        rest == Some(&*self.token_path)
    }
}

impl Layout {
    /// Where the token of the pod called `pod` goes.
    pub(crate) fn place(self, pod: &PodName) -> Place {
        match self {
            Self::Legacy => self.place_with(""),
            Self::PerPod | Self::Fixed => self.place_with(&hash(pod)),
        }
    }

    /// Where the fallback puts a token: with `Legacy` as that layout has it, which old webhooks take for their own.
    pub(crate) fn fallback(self) -> Place {
        match self {
            Self::Legacy => self.place_with(""),
            Self::PerPod | Self::Fixed => Place {
                volume: names::FALLBACK_VOLUME.into(),
                mount_path: names::FALLBACK_MOUNT_PATH.into(),
                token_path: names::TOKEN_PATH.into(),
            },
        }
    }

    /// Where the token of a pod whose name has this hash goes.
    fn place_with(self, hash: &str) -> Place {
        let volume = match self {
            Self::Legacy => names::LEGACY_VOLUME.to_owned(),
            Self::PerPod | Self::Fixed => format!("{}{hash}", names::VOLUME_PREFIX),
        };
        self.place_of(volume, hash)
    }

    fn place_of(self, volume: String, hash: &str) -> Place {
        let (mount_path, token_path) = match self {
            Self::PerPod => (format!("{}/{hash}", names::MOUNT_PATH), names::TOKEN_PATH),
            Self::Fixed => (names::MOUNT_PATH.to_owned(), names::TOKEN_PATH),
            Self::Legacy => (names::LEGACY_MOUNT_PATH.to_owned(), names::LEGACY_TOKEN_PATH),
        };
        Place { volume: volume.into(), mount_path: mount_path.into(), token_path: token_path.into() }
    }

    /// Whether one of the layouts mounts the reserved volume `volume` at `mount_path`.
    pub(crate) fn any_has(volume: &str, mount_path: &str) -> bool {
        let (layouts, hash): (&[Self], _) = match volume.strip_prefix(names::VOLUME_PREFIX) {
            Some(hash) => (&[Self::PerPod, Self::Fixed], hash),
            None if volume == names::LEGACY_VOLUME => (&[Self::Legacy], ""),
            None => (&[], ""),
        };
        layouts.iter().any(|layout| *layout.place_of(String::new(), hash).mount_path == *mount_path)
    }
}

/// Whether a volume's name is reserved, in any layout.
pub(crate) fn is_reserved(volume: &str) -> bool {
    volume.starts_with(names::VOLUME_PREFIX) || volume == names::LEGACY_VOLUME
}

impl Choice for Layout {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("PerPod", Self::PerPod), ("Fixed", Self::Fixed), ("Legacy", Self::Legacy)];
}

impl Accepts for Layout {
    fn accepted() -> Cow<'static, str> {
        Cow::Owned(Self::words())
    }

    const PLACEHOLDER: &'static str = "Legacy";
}

impl FromStr for Layout {
    type Err = Rejected;

    fn from_str(text: &str) -> Result<Self, Rejected> {
        Self::chosen(text).ok_or_else(Rejected::by::<Self>)
    }
}

/// Lower-case hexadecimal SHA-256 of the pod's name, as much of it as a volume's name has room for (webhook `webhook.go`,
/// `buildVolumeName`).
fn hash(pod: &PodName) -> String {
    let mut hash = format!("{:x}", Sha256::digest(pod.to_string().as_bytes()));
    hash.truncate(names::VOLUME_NAME_MAX - names::VOLUME_PREFIX.len());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(layout: Layout, pod: &PodName) -> [String; 3] {
        let place = layout.place(pod);
        [place.volume.to_string(), place.mount_path.to_string(), place.token_file()]
    }

    #[test]
    fn puts_the_token_where_each_version_of_the_webhook_has_it() {
        let yada = PodName::Name("yadaapi".to_owned());
        let volume = "azure-workload-identity-reserved-d3f089d52aa311812405d5d067015a";
        let hash = "d3f089d52aa311812405d5d067015a";
        assert_eq!(
            place(Layout::PerPod, &yada),
            [
                volume,
                &format!("/var/run/secrets/azure/wi/{hash}"),
                &format!("/var/run/secrets/azure/wi/{hash}/token/azure-identity-token")
            ]
        );
        assert_eq!(
            place(Layout::Fixed, &yada),
            [volume, "/var/run/secrets/azure/wi", "/var/run/secrets/azure/wi/token/azure-identity-token"]
        );
        assert_eq!(
            place(Layout::Legacy, &yada),
            [
                "azure-identity-token",
                "/var/run/secrets/azure/tokens",
                "/var/run/secrets/azure/tokens/azure-identity-token"
            ]
        );
        // echo -n 'yadaapi-7d4b9c- (prefix)' | sha256sum
        let prefix = PodName::Prefix("yadaapi-7d4b9c-".to_owned());
        assert_eq!(
            place(Layout::Fixed, &prefix)[0],
            "azure-workload-identity-reserved-7591a5e9eb6025d887c25bf0c787f6"
        );
    }

    #[test]
    fn knows_its_own_mounts_again() {
        for (volume, path, is_own) in [
            ("azure-workload-identity-reserved-ab", "/var/run/secrets/azure/wi", true),
            ("azure-workload-identity-reserved-ab", "/var/run/secrets/azure/wi/ab", true),
            ("azure-workload-identity-reserved-ab", "/var/run/secrets/azure/wi/cd", false),
            ("azure-identity-token", "/var/run/secrets/azure/tokens", true),
            ("azure-identity-token", "/data", false),
            ("tokens", "/var/run/secrets/azure/tokens", false),
        ] {
            assert_eq!(Layout::any_has(volume, path), is_own, "{volume} at {path}");
        }
    }
}
