//! The policy's settings: read permissively, every problem reported with its path, then parsed into types.

use std::borrow::Cow;

use crate::{
    feature::{
        allowed_identities::{self, AllowedIdentity},
        proxy::ProxySettings,
        token_endpoint::TokenEndpoint,
    },
    json::{
        Json, Shape,
        fields::{Fields, Problem, describe},
    },
    value::{
        cloud::{AuthorityHost, Cloud},
        identity::TenantId,
        names,
        token::{Audience, Layout, TokenExpiration},
        use_label::Trigger,
    },
};

/// What to do with a pod that does not ask by its own label when its ServiceAccount can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLookupFailure {
    /// Refuse it: controllers retry, so a passing fault heals itself.
    Refuse,
    /// Admit it without an identity, with a warning.
    Admit,
}

/// An environment variable that is added after those of the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraEnv {
    /// Its name.
    pub name: String,
    /// Its value, which can refer to variables before it: `$(AZURE_CLIENT_ID)`.
    pub value: String,
}

/// The settings, each with its default where none is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `tenantId`: tenant of `ServiceAccounts` that name none.
    pub tenant_id: Option<TenantId>,
    /// `trigger`: whose label decides.
    pub trigger: Trigger,
    /// From `cloud` or `authorityHost`.
    pub authority_host: AuthorityHost,
    /// `audience` of the projected token.
    pub audience: Audience,
    /// `tokenExpirationSeconds`, where no annotation says otherwise.
    pub token_expiration: TokenExpiration,
    /// `requireClientId`: whether an identity without client id is refused or warned about.
    pub require_client_id: RequireClientId,
    /// `onLookupFailure`.
    pub on_lookup_failure: OnLookupFailure,
    /// `layout`.
    pub layout: Layout,
    /// `extraEnv`.
    pub extra_env: Vec<ExtraEnv>,
    /// `allowedIdentities`; all where there is none.
    pub allowed_identities: Option<Vec<AllowedIdentity>>,
    /// `preflight`.
    pub preflight: Preflight,
    /// `proxy`.
    pub proxy: ProxySettings,
    /// `customTokenEndpoint`.
    pub token_endpoint: Option<TokenEndpoint>,
}

/// What an identity without a client id gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequireClientId {
    /// A warning.
    Warn,
    /// A refusal.
    Refuse,
}

/// The setting `preflight`: what is done about a workload whose pods will fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preflight {
    /// Nothing.
    Off,
    /// Everything is a warning.
    Warn,
    /// What makes the pods certain to be refused is refused here.
    Enforce,
}

impl Preflight {
    /// The setting's values.
    pub const CHOICES: &'static [(&'static str, Self)] =
        &[("Off", Self::Off), ("Warn", Self::Warn), ("Enforce", Self::Enforce)];
}

/// The settings' names, in the order of the documentation.
pub const FIELDS: &[&str] = &[
    "tenantId",
    "trigger",
    "cloud",
    "authorityHost",
    "audience",
    "tokenExpirationSeconds",
    "requireClientId",
    "onLookupFailure",
    "layout",
    "extraEnv",
    "allowedIdentities",
    "preflight",
    "proxy",
    "customTokenEndpoint",
];

impl Settings {
    /// The pod annotation of the custom token endpoint, where one is set up.
    #[must_use]
    pub fn endpoint_annotation(&self) -> Option<&str> {
        self.token_endpoint.as_ref().map(TokenEndpoint::annotation)
    }

    /// Parses the settings; `null` counts as `{}`, and a field that is null as one that is missing.
    ///
    /// # Errors
    /// Every unknown field, wrong type and value out of range.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let not_an_object =
            |found| vec![Problem { path: "settings".to_owned(), found, expected: "an object".to_owned() }];
        let json =
            Json::parse(text, &Shape::Whole).map_err(|error| not_an_object(format!("no JSON ({error})")))?;
        let mut problems = Vec::new();
        let fields: &[_] = match &json {
            Json::Object(fields) => fields,
            Json::Raw(raw) if raw == "null" => &[],
            Json::Raw(_) | Json::List(_) => return Err(not_an_object(describe(&json))),
        };
        let mut fields = Fields::new("", fields, &mut problems);
        fields.known(FIELDS);
        let cloud = fields.parsed::<Cloud>("cloud", Cloud::ACCEPTED);
        let authority_host = fields.parsed::<AuthorityHost>("authorityHost", AuthorityHost::ACCEPTED);
        if fields.present("cloud") && fields.present("authorityHost") {
            fields.problem(
                "authorityHost",
                "no authorityHost beside cloud, or no cloud: each of them says where tokens are issued",
            );
        }
        let settings = Self {
            tenant_id: fields.parsed("tenantId", TenantId::ACCEPTED),
            trigger: fields.parsed("trigger", Trigger::ACCEPTED).unwrap_or(Trigger::Any),
            authority_host: authority_host.unwrap_or_else(|| cloud.unwrap_or(Cloud::Public).authority_host()),
            audience: fields.parsed("audience", Audience::ACCEPTED).unwrap_or_default(),
            token_expiration: fields.token_expiration("tokenExpirationSeconds"),
            require_client_id: if fields.boolean("requireClientId", false) {
                RequireClientId::Refuse
            } else {
                RequireClientId::Warn
            },
            on_lookup_failure: fields
                .choice(
                    "onLookupFailure",
                    &[("Refuse", OnLookupFailure::Refuse), ("Admit", OnLookupFailure::Admit)],
                )
                .unwrap_or(OnLookupFailure::Refuse),
            layout: fields.parsed("layout", Layout::ACCEPTED).unwrap_or(Layout::V1),
            extra_env: extra_env(&mut fields, "extraEnv"),
            allowed_identities: allowed_identities::read(&mut fields, "allowedIdentities"),
            preflight: fields.choice("preflight", Preflight::CHOICES).unwrap_or(Preflight::Warn),
            proxy: fields.object("proxy", ProxySettings::read),
            token_endpoint: TokenEndpoint::read(&mut fields, "customTokenEndpoint"),
        };
        if settings.token_endpoint.is_some() && settings.layout == Layout::Legacy {
            fields.problem("layout", "V1, which customTokenEndpoint needs");
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

fn extra_env(fields: &mut Fields, name: &str) -> Vec<ExtraEnv> {
    let mut extra: Vec<ExtraEnv> = Vec::new();
    fields.objects(name, |fields| {
        fields.known(&["name", "value"]);
        let name = fields.text("name").unwrap_or_default().into_owned();
        let value = fields.text("value").map(Cow::into_owned);
        if !is_env_name(&name) {
            fields.problem("name", "the name of an environment variable (printable ASCII without =)");
        } else if names::IDENTITY_VARIABLES.contains(&name.as_str()) {
            fields.problem("name", "a name that the policy does not set itself");
        } else if extra.iter().any(|before| before.name == name) {
            fields.problem("name", "a name that no entry before it has");
        }
        match value {
            Some(value) => extra.push(ExtraEnv { name, value }),
            None => fields.problem("value", "a string"),
        }
    });
    extra
}

/// What Kubernetes accepts since 1.30 (`IsRelaxedEnvVarName`): printable ASCII without `=`.
fn is_env_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'=')
}

#[cfg(test)]
mod tests;
