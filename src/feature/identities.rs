//! Identities by name: the setting `identities`, so that manifests are the same in every cluster.

use std::{borrow::Cow, str::FromStr};

use crate::{
    json::fields::Fields,
    text::nearest,
    value::{
        identity::{ClientId, TenantId, is_uuid},
        parse::{Accepts, Rejected},
        token::TokenExpiration,
    },
    verdict::mistake::WrongValue,
};

/// The name of an identity.
struct IdentityName(String);

/// Longest name of an identity: that of a label's value.
const NAME_MAX: usize = 63;

impl Accepts for IdentityName {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("a name of at most 63 letters, digits, -, _ and . that is no UUID")
    }
}

impl FromStr for IdentityName {
    type Err = Rejected;

    /// # Errors
    /// What could not be told from the rest of a list of identities, or from a client id.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(fits) && !is_uuid(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Rejected::by::<Self>())
        }
    }
}

/// An identity that has a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedIdentity {
    /// Its name.
    pub(crate) name: String,
    /// Its client id.
    pub(crate) client_id: ClientId,
    /// Its tenant, where the setting says so.
    pub(crate) tenant_id: Option<TenantId>,
    /// How long a token for it is valid, where the setting says so.
    pub(crate) expiration: Option<TokenExpiration>,
}

/// The setting `identities`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identities(Vec<NamedIdentity>);

/// Most names that a message lists.
const LISTED: usize = 5;

/// What stands for a name in a cure, where there is none to be named.
const PLACEHOLDER: &str = "IDENTITY_NAME";

impl Identities {
    /// Reads the setting; `None` where it is missing.
    pub(crate) fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.present(name).then(|| {
            let mut identities = Vec::new();
            fields.object(name, |all| {
                all.each::<IdentityName>(|name, fields| {
                    fields.known(&["clientId", "tenantId", "tokenExpirationSeconds"]);
                    let client_id = fields.required("clientId");
                    let (tenant_id, expiration) =
                        (fields.parsed("tenantId"), fields.number("tokenExpirationSeconds"));
                    if let Some(client_id) = client_id {
                        identities.push(NamedIdentity { name: name.0, client_id, tenant_id, expiration });
                    }
                });
            });
            Self(identities)
        })
    }

    /// The identity called `name`, the last one of that name.
    pub(crate) fn named(&self, name: &str) -> Option<&NamedIdentity> {
        self.0.iter().rev().find(|identity| identity.name == name)
    }

    /// The name that is nearest to `name`.
    pub(crate) fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.names())
    }

    /// What is wrong with `found`, which is no name of one of them, as the value of `annotation`.
    pub(crate) fn unknown(&self, annotation: &'static str, found: &str) -> WrongValue {
        let instead = self.nearest(found).unwrap_or(PLACEHOLDER).to_owned();
        let others = self.names().filter(|name| *name != instead).take(LISTED - 1);
        let listed: Vec<&str> = self.nearest(found).into_iter().chain(others).collect();
        let more = if self.0.len() > listed.len() { " …" } else { "" };
        let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
        let accepted = Cow::Owned(format!("a name in the policy's setting identities ({listed}{more})"));
        WrongValue { annotation, found: found.into(), accepted, instead }
    }

    /// All of them, in their order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &NamedIdentity> {
        self.0.iter()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|identity| identity.name.as_str())
    }
}
