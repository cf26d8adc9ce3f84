//! The settings, read by programs that make something else of them: each has its default where none is given.

use crate::{
    feature::{allowed_identities::AllowedIdentity, identities::NamedIdentity},
    settings::Settings,
    value::{glob::Glob, identity::TenantId, layout::Place, token::TokenExpiration, use_label::Trigger},
};

impl Settings {
    /// The shortest and the longest time that a token can be valid, in seconds.
    pub const TOKEN_EXPIRATIONS: [u32; 2] = [TokenExpiration::MIN, TokenExpiration::MAX];

    /// `tenantId`.
    #[must_use]
    pub fn tenant_id(&self) -> Option<&str> {
        self.tenant_id.as_ref().map(TenantId::as_str)
    }

    /// Whether the label of the ServiceAccount asks for an identity (`trigger`).
    #[must_use]
    pub fn by_account(&self) -> bool {
        self.trigger != Trigger::Pod
    }

    /// Whether the label of the pod does.
    #[must_use]
    pub fn by_pod(&self) -> bool {
        self.trigger != Trigger::ServiceAccount
    }

    /// The authority host, with its last slash.
    #[must_use]
    pub fn authority_host(&self) -> &str {
        self.authority_host.as_str()
    }

    /// `audience`.
    #[must_use]
    pub fn audience(&self) -> &str {
        self.audience.as_str()
    }

    /// `tokenExpirationSeconds`.
    #[must_use]
    pub fn token_expiration(&self) -> i64 {
        self.token_expiration.seconds()
    }

    /// Where the fallback puts the token of a pod, by `layout`.
    #[must_use]
    pub fn fallback_place(&self) -> Place {
        self.layout.fallback()
    }

    /// `extraEnv`: names and values.
    pub fn extra_env(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extra_env.iter().map(|extra| (extra.name.as_str(), extra.value.as_str()))
    }

    /// `identities`, if they are set.
    #[must_use]
    pub fn identities(&self) -> Option<Vec<&NamedIdentity>> {
        self.identities.as_ref().map(|identities| identities.iter().collect())
    }

    /// The patterns of `skipContainers`.
    #[must_use]
    pub fn skip_containers(&self) -> Vec<&str> {
        self.skip_containers.iter().map(Glob::as_str).collect()
    }

    /// The entries of `allowedIdentities`, if it is set.
    #[must_use]
    pub fn allowed_identities(&self) -> Option<&[AllowedIdentity]> {
        self.allowed_identities.as_deref()
    }
}
