//! The settings as plain values, for programs that make something else of them.

use crate::{
    settings::Settings,
    value::{token::TokenExpiration, use_label::Trigger},
};

/// The settings, each with its default where none is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// `tenantId`.
    pub tenant_id: Option<String>,
    /// Whether the label of the ServiceAccount asks for an identity (`trigger`).
    pub by_account: bool,
    /// Whether the label of the pod does.
    pub by_pod: bool,
    /// The authority host, with its last slash.
    pub authority_host: String,
    /// `audience`.
    pub audience: String,
    /// `tokenExpirationSeconds`.
    pub expiration: i64,
    /// Where the token goes, by `layout`.
    pub place: PlainPlace,
    /// `extraEnv`: names and values.
    pub extra_env: Vec<(String, String)>,
    /// `identities`, if they are set.
    pub identities: Option<Vec<PlainIdentity>>,
    /// The patterns of `skipContainers`.
    pub skip_containers: Vec<String>,
    /// The entries of `allowedIdentities`, if it is set.
    pub allowed: Option<Vec<PlainAllowed>>,
    /// The pod annotation of the custom token endpoint, if one is set up.
    pub endpoint_annotation: Option<String>,
}

/// A place for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPlace {
    /// The volume's name.
    pub volume: String,
    /// Where it is mounted.
    pub mount_path: String,
    /// The token's path within the volume.
    pub token_path: String,
}

/// An entry of `identities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainIdentity {
    /// Its name.
    pub name: String,
    /// Its client ID.
    pub client_id: String,
    /// Its tenant, where it has one of its own.
    pub tenant_id: Option<String>,
    /// How long its tokens are valid, in seconds, where it says so.
    pub expiration: Option<i64>,
}

/// An entry of `allowedIdentities`; a list that is left out means any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainAllowed {
    /// Patterns of namespaces.
    pub namespaces: Option<Vec<String>>,
    /// Client IDs.
    pub client_ids: Option<Vec<String>>,
    /// Tenants.
    pub tenant_ids: Option<Vec<String>>,
}

impl Settings {
    /// The settings as plain values; `hash` stands for the hash of a pod's name.
    #[must_use]
    pub fn plain(&self, hash: &str) -> Plain {
        let place = self.layout.place_with(hash);
        let [volume, mount_path, token_path] =
            [place.volume, place.mount_path, place.token_path].map(|text| text.to_string());
        let identities = self.identities.as_ref().map(|identities| {
            let plain = identities.iter().map(|identity| PlainIdentity {
                name: identity.name.clone(),
                client_id: identity.client_id.to_string(),
                tenant_id: identity.tenant_id.as_ref().map(ToString::to_string),
                expiration: identity.expiration.map(TokenExpiration::seconds),
            });
            plain.collect()
        });
        let extra = self.extra_env.iter().map(|extra| (extra.name.clone(), extra.value.clone()));
        let allowed = self.allowed_identities.as_ref().map(|all| {
            let plain = all.iter().map(|entry| {
                let [namespaces, client_ids, tenant_ids] = entry.texts();
                PlainAllowed { namespaces, client_ids, tenant_ids }
            });
            plain.collect()
        });
        Plain {
            tenant_id: self.tenant_id.as_ref().map(ToString::to_string),
            by_account: self.trigger != Trigger::Pod,
            by_pod: self.trigger != Trigger::ServiceAccount,
            authority_host: self.authority_host.to_string(),
            audience: self.audience.as_str().to_owned(),
            expiration: self.token_expiration.seconds(),
            place: PlainPlace { volume, mount_path, token_path },
            extra_env: extra.collect(),
            identities,
            skip_containers: self.skip_containers.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
            allowed,
            endpoint_annotation: self.endpoint_annotation().map(ToOwned::to_owned),
        }
    }
}
