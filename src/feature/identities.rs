//! Identities by name: the setting `identities`, so that manifests are the same in every cluster.

use std::{borrow::Cow, str::FromStr};

use crate::{
    feature::allowed_identities::{Governance, Half},
    fields::Fields,
    text::nearest,
    value::{
        identity::{ClientId, TenantId, is_uuid},
        parse::{Accepts, Rejected},
        token::TokenExpiration,
    },
    verdict::facts::{Instead, WrongValue},
};

/// The name of an identity.
struct IdentityName(String);

/// Longest name of an identity: that of a label's value.
const NAME_MAX: usize = 63;

impl Accepts for IdentityName {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("a name of at most 63 letters, digits, -, _ and . that is not a UUID")
    }
}

impl FromStr for IdentityName {
    type Err = Rejected;

    /// # Errors
    /// What could not be told from the rest of a list of identities, or from a client ID.
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
pub struct NamedIdentity {
    /// Its name.
    pub(crate) name: String,
    /// Its client ID.
    pub(crate) client_id: ClientId,
    /// Its tenant, where the setting says so.
    pub(crate) tenant_id: Option<TenantId>,
    /// How long a token for it is valid, where the setting says so.
    pub(crate) expiration: Option<TokenExpiration>,
}

impl NamedIdentity {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its client ID.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.client_id.as_str()
    }

    /// Its tenant, where it has one of its own.
    #[must_use]
    pub fn tenant_id(&self) -> Option<&str> {
        self.tenant_id.as_ref().map(TenantId::as_str)
    }

    /// How long its tokens are valid, in seconds, where it says so.
    #[must_use]
    pub fn token_expiration(&self) -> Option<i64> {
        self.expiration.map(TokenExpiration::seconds)
    }
}

/// The setting `identities`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identities(Vec<NamedIdentity>);

/// Most names that a message lists.
const LISTED: usize = 5;

/// Most names that a wrong one is compared with.
const COMPARED: usize = 256;

/// Placeholder for an identity's name in a fix, if there is no name to suggest.
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

    /// All of them, in their order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &NamedIdentity> {
        self.0.iter()
    }
}

/// The identities that a namespace may use. If the setting `allowedIdentities` is set, no message names, suggests or resolves any other
/// identity, so users of one namespace don't learn what other namespaces have.
pub(crate) struct Usable<'s, 'g> {
    identities: &'s Identities,
    governance: Option<&'g Governance<'g>>,
    /// The tenant that goes before the identity's own.
    tenant: Option<&'g TenantId>,
}

impl<'s, 'g> Usable<'s, 'g> {
    /// Those of `identities`, used with `tenant`, or else their own.
    pub(crate) fn new(
        identities: &'s Identities,
        governance: Option<&'g Governance<'g>>,
        tenant: Option<&'g TenantId>,
    ) -> Self {
        Self { identities, governance, tenant }
    }

    /// Whether this one can be used.
    pub(crate) fn has(&self, identity: &NamedIdentity) -> bool {
        let tenant = self.tenant.or(identity.tenant_id.as_ref()).map_or(Half::Unknown, Half::Is);
        self.governance.is_none_or(|all| all.allows(Half::Is(&identity.client_id), tenant).is_ok())
    }

    /// The identity called `name`, the last one of that name.
    pub(crate) fn named(&self, name: &str) -> Option<&'s NamedIdentity> {
        self.identities.0.iter().rev().find(|identity| identity.name == name).filter(|found| self.has(found))
    }

    /// The name that is nearest to `name`.
    pub(crate) fn nearest(&self, name: &str) -> Option<&'s str> {
        nearest(name, self.names().take(COMPARED))
    }

    /// What is wrong with `found`, which is not one of their names, as the value of `annotation`.
    pub(crate) fn unknown(&self, annotation: &'static str, found: &str) -> WrongValue {
        let nearest = self.nearest(found);
        let instead = nearest.unwrap_or(PLACEHOLDER).to_owned();
        let others = self.names().filter(|name| *name != instead).take(LISTED);
        let mut listed: Vec<&str> = nearest.into_iter().chain(others).collect();
        let more = if listed.len() > LISTED { " …" } else { "" };
        listed.truncate(LISTED);
        let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
        let here = if self.governance.is_some() { " that this namespace may use" } else { "" };
        let accepted =
            Cow::Owned(format!("a name in the policy's setting identities{here} ({listed}{more})"));
        WrongValue { annotation, found: found.to_owned(), accepted, instead: Instead::Value(instead) }
    }

    fn names(&self) -> impl Iterator<Item = &'s str> {
        self.identities.0.iter().filter(|identity| self.has(identity)).map(|identity| identity.name.as_str())
    }
}
