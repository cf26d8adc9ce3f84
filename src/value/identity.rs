//! Who the pod is to Microsoft Entra: client ID, tenant ID, subject.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::{
    text::NAME_MAX,
    value::{
        parse::{Accepts, Rejected},
        reference::Reference,
    },
};

/// The client (application) id of a managed identity or app registration: a UUID, passed through byte for byte.
#[derive(Debug, Clone)]
pub(crate) struct ClientId(String);

impl ClientId {
    /// Whether it is all zeros, a placeholder in templates.
    pub(crate) fn is_zero(&self) -> bool {
        self.0.bytes().all(|byte| matches!(byte, b'0' | b'-'))
    }
}

impl PartialEq for ClientId {
    /// As Microsoft Entra compares them: without regard to case.
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ClientId {}

impl Accepts for ClientId {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("a UUID")
    }

    const PLACEHOLDER: &'static str = "CLIENT_ID";

    fn meant(text: &str) -> Option<&str> {
        uuid_in(text)
    }
}

impl FromStr for ClientId {
    type Err = Rejected;

    /// # Errors
    /// Anything but 8-4-4-4-12 hexadecimal digits: `my-identity`, `${CLIENT_ID}`, a UUID in quotes or with a newline.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        if is_uuid(text) { Ok(Self(text.to_owned())) } else { Err(Rejected::by::<Self>()) }
    }
}

impl ClientId {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ClientId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Microsoft Entra tenant: its UUID or one of its DNS domain names, passed through byte for byte.
#[derive(Debug, Clone)]
pub(crate) struct TenantId(String);

impl PartialEq for TenantId {
    /// As Microsoft Entra compares them: without regard to case.
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for TenantId {}

impl Accepts for TenantId {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("a UUID or a DNS domain name")
    }

    const PLACEHOLDER: &'static str = "TENANT_ID";

    fn meant(text: &str) -> Option<&str> {
        uuid_in(text)
    }
}

impl FromStr for TenantId {
    type Err = Rejected;

    /// # Errors
    /// Neither a UUID nor a domain name of two labels or more: `contoso`, `common`, `https://…`, `${TENANT_ID}`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        if is_uuid(text) || is_domain(text) { Ok(Self(text.to_owned())) } else { Err(Rejected::by::<Self>()) }
    }
}

impl TenantId {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for TenantId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `sub` of the projected token, which the federated credential in Entra must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject<'a>(pub(crate) &'a Reference);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Reference { namespace, name } = self.0;
        write!(f, "system:serviceaccount:{}:{}", namespace.plain(NAME_MAX), name.plain(NAME_MAX))
    }
}

/// RFC 9562 section 4: 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The UUID in `text`, where there is exactly one: `{…}`, `api://…`, one with a newline.
fn uuid_in(text: &str) -> Option<&str> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let mut uuids = parts.filter(|part| is_uuid(part));
    uuids.next().filter(|_| uuids.next().is_none())
}

/// RFC 1123 section 2.1 and RFC 1035 section 2.3.1: two labels or more, the last one not all digits (an IP address).
fn is_domain(text: &str) -> bool {
    if text.len() > 253 {
        return false;
    }
    let mut labels = text.rsplit('.').peekable();
    let numeric = labels.peek().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    text.contains('.') && !numeric && labels.all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether `text` can be the name of a ServiceAccount: an RFC 1123 subdomain (Kubernetes `IsDNS1123Subdomain`).
#[must_use]
pub(crate) fn is_object_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_uuids_byte_for_byte() {
        for text in ["6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa", "6F3C2B58-9d3e-4f4c-8a51-0b7e4c1d92AA"] {
            assert_eq!(text.parse::<ClientId>().unwrap().to_string(), text);
            assert_eq!(text.parse::<TenantId>().unwrap().to_string(), text);
            assert_eq!(text.parse::<ClientId>(), text.to_lowercase().parse::<ClientId>());
            assert_eq!(text.parse::<TenantId>(), text.to_uppercase().parse::<TenantId>());
        }
        assert_ne!("a.b".parse::<TenantId>(), "a.c".parse::<TenantId>());
    }

    #[test]
    fn accepts_the_longest_domain_and_no_longer_one() {
        for (length, accepted) in [(252, true), (253, true), (254, false)] {
            let text = format!("{}{}", "a.".repeat(120), "b".repeat(length - 240));
            assert_eq!((text.len(), text.parse::<TenantId>().is_ok()), (length, accepted), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_client_id() {
        for text in [
            "",
            "yada-identity",
            "${CLIENT_ID}",
            "\"6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa\"",
            "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa\n",
            " 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa",
            "{6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa}",
            "6f3c2b589d3e4f4c8a510b7e4c1d92aa",
            "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92ag",
            "6f3c2b58-9d3e-4f4c-8a510-b7e4c1d92aa",
            "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d9é",
            "contoso.com",
        ] {
            assert_eq!(text.parse::<ClientId>().ok(), None, "{text:?}");
        }
    }

    #[test]
    fn finds_the_one_uuid_that_was_meant() {
        let id = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
        for text in
            [format!("{{{id}}}"), format!("\"{id}\"\n"), format!("api://{id}"), format!("\u{200b}{id} ")]
        {
            assert_eq!(ClientId::meant(&text), Some(id), "{text:?}");
        }
        for text in [format!("{id} {id}"), format!("{id}0"), "${CLIENT_ID}".to_owned()] {
            assert_eq!(TenantId::meant(&text), None, "{text:?}");
        }
    }

    #[test]
    fn accepts_a_tenants_domain() {
        for text in ["contoso.onmicrosoft.com", "Contoso.COM", "a.b", "1.2.3.4x"] {
            assert_eq!(text.parse::<TenantId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_tenant() {
        let long = format!("{}.com", "a".repeat(64));
        for text in [
            "",
            "contoso",
            "common",
            "10.0.0.1",
            "contoso.com.",
            ".com",
            "a..b",
            "-a.com",
            "https://a.b",
            &long,
        ] {
            assert_eq!(text.parse::<TenantId>().ok(), None, "{text:?}");
        }
    }

    #[test]
    fn writes_the_subject_as_the_api_server_signs_it() {
        let account = Reference { namespace: "default".into(), name: "myserviceaccount".into() };
        assert_eq!(Subject(&account).to_string(), "system:serviceaccount:default:myserviceaccount");
    }

    #[test]
    fn tells_object_names_from_paths_and_commands() {
        assert!(is_object_name("my.sa-1") && is_object_name(&"a".repeat(253)));
        for text in ["", "../default", "A", "a b", "a;b", "-a", "a.", &"a".repeat(254)] {
            assert!(!is_object_name(text), "{text:?}");
        }
    }
}
