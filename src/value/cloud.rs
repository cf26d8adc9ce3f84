//! The Azure clouds and their authority hosts.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::value::parse::{Accepts, Rejected};

/// An Azure cloud, by the names that go-autorest's `azure.EnvironmentFromName` knows (in any case).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    /// The public cloud.
    Public,
    /// Azure US Government.
    UsGovernment,
    /// Azure operated by 21Vianet.
    China,
    /// The former Microsoft Cloud Germany.
    German,
}

/// Names and authority hosts: go-autorest v14.2.0, `autorest/azure/environments.go`.
const CLOUDS: &[(&str, Cloud, &str)] = &[
    ("AzurePublicCloud", Cloud::Public, "https://login.microsoftonline.com/"),
    ("AzureCloud", Cloud::Public, "https://login.microsoftonline.com/"),
    ("AzureUSGovernmentCloud", Cloud::UsGovernment, "https://login.microsoftonline.us/"),
    ("AzureUSGovernment", Cloud::UsGovernment, "https://login.microsoftonline.us/"),
    ("AzureChinaCloud", Cloud::China, "https://login.chinacloudapi.cn/"),
    ("AzureGermanCloud", Cloud::German, "https://login.microsoftonline.de/"),
];

impl Cloud {
    /// Where the cloud's tokens are issued.
    #[must_use]
    pub(crate) fn authority_host(self) -> AuthorityHost {
        let host = CLOUDS.iter().find(|(_, cloud, _)| *cloud == self).map_or("", |(_, _, host)| host);
        AuthorityHost(host.to_owned())
    }
}

impl Accepts for Cloud {
    /// The name of each cloud. Second names are accepted but not listed.
    fn accepted() -> Cow<'static, str> {
        let name =
            |wanted| CLOUDS.iter().find(|(_, cloud, _)| *cloud == wanted).map_or("", |(name, _, _)| name);
        let [public, government, china, german] =
            [Self::Public, Self::UsGovernment, Self::China, Self::German].map(name);
        Cow::Owned(format!("{public}, {government}, {china} or {german}"))
    }
}

impl FromStr for Cloud {
    type Err = Rejected;

    /// # Errors
    /// A name that is not in the table: `Azure`, `public`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        CLOUDS
            .iter()
            .find(|(name, _, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, cloud, _)| *cloud)
            .ok_or_else(Rejected::by::<Self>)
    }
}

/// The https URL of Microsoft Entra's authority, passed through byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorityHost(String);

impl Accepts for AuthorityHost {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("an https URL with host, port and path only")
    }
}

impl FromStr for AuthorityHost {
    type Err = Rejected;

    /// # Errors
    /// `http://…`, no host, a user, a query or a fragment, blanks: `login.microsoftonline.com`, `https://a b/`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        let rest = text.strip_prefix("https://").ok_or_else(Rejected::by::<Self>)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (authority, None),
        };
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_fits = match bracketed {
            Some(address) => {
                address.contains(':')
                    && address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
            }
            None => {
                !host.is_empty()
                    && !host.starts_with(['-', '.'])
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
            }
        };
        let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let path_fits = path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'<' | b'>' | b'\\'));
        if host_fits && port_fits && path_fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Rejected::by::<Self>())
        }
    }
}

impl AuthorityHost {
    /// The URL.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthorityHost {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_each_cloud_in_any_case() {
        for (name, host) in [
            ("AzurePublicCloud", "https://login.microsoftonline.com/"),
            ("AZURECLOUD", "https://login.microsoftonline.com/"),
            ("azureusgovernmentcloud", "https://login.microsoftonline.us/"),
            ("AzureUSGovernment", "https://login.microsoftonline.us/"),
            ("AzureChinaCloud", "https://login.chinacloudapi.cn/"),
            ("AzureGermanCloud", "https://login.microsoftonline.de/"),
        ] {
            assert_eq!(name.parse::<Cloud>().unwrap().authority_host().to_string(), host, "{name}");
        }
        assert_eq!("Azure".parse::<Cloud>().ok(), None);
    }

    #[test]
    fn accepts_https_urls_as_authority_host() {
        for text in [
            "https://login.local",
            "https://10.0.0.1:8443/adfs/",
            "https://[::1]:443/",
            "https://[::1]/",
            "https://a_b.c/",
        ] {
            assert_eq!(text.parse::<AuthorityHost>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_authority_host() {
        for text in [
            "",
            "https://",
            "http://login.local/",
            "login.microsoftonline.com",
            "https://a b/",
            "https://a/?x",
            "https://a/#x",
            "https://user@a/",
            "https://a:0/",
            "https://a:99999/",
            "https://a:/",
            "https:///x",
            "https://[::1/",
            "https://é/",
            "HTTPS//a",
        ] {
            assert_eq!(text.parse::<AuthorityHost>().ok(), None, "{text:?}");
        }
    }
}
