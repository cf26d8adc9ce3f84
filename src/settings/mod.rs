//! The policy's settings. In: their JSON, read permissively. Out: [`Settings`], each parsed into its type, or every problem with its
//! path. They judge nothing that is in a cluster.

use std::borrow::Cow;

use crate::{
    feature::{
        allowed_identities::{self, AllowedIdentity},
        identities::Identities,
        proxy::{self, ProxySettings},
        token_endpoint::TokenEndpoint,
    },
    fields::{Fields, Problem, describe},
    json::{Json, Shape},
    name_set::NameSet,
    tally::Tally,
    text::Untrusted,
    value::{
        cloud::{AuthorityHost, Cloud},
        glob::{Containers, Glob},
        identity::TenantId,
        layout::Layout,
        names,
        parse::Choice,
        token::{Audience, TokenExpiration},
        use_label::Trigger,
    },
};

/// What to do with a pod that does not ask by its own label when its ServiceAccount can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLookupFailure {
    /// Refuse it: controllers retry, so a passing fault heals itself.
    Refuse,
    /// Admit it without an identity, with a warning.
    Admit,
}

/// Whether the host may answer a look-up from its cache, which keeps a success for five seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookUps {
    /// No: what is in the API server counts at once.
    Fresh,
    /// Yes; a copy that would lead to a refusal, or to a missing client ID, is read once more past the cache.
    Cached,
}

impl Choice for LookUps {
    const CHOICES: &'static [(&'static str, Self)] = &[("Fresh", Self::Fresh), ("Cached", Self::Cached)];
}

/// An environment variable that is added after those of the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExtraEnv {
    /// Its name.
    pub(crate) name: String,
    /// Its value, which can refer to variables before it: `$(AZURE_CLIENT_ID)`.
    pub(crate) value: String,
}

/// The settings, each with its default where none is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `tenantId`: tenant of `ServiceAccounts` that name none.
    pub(crate) tenant_id: Option<TenantId>,
    /// `trigger`: whose label decides.
    pub(crate) trigger: Trigger,
    /// From `cloud` or `authorityHost`.
    pub(crate) authority_host: AuthorityHost,
    /// `audience` of the projected token.
    pub(crate) audience: Audience,
    /// `tokenExpirationSeconds`, where no annotation says otherwise.
    pub(crate) token_expiration: TokenExpiration,
    /// `requireClientId`: whether an identity without client ID is refused or warned about.
    pub(crate) require_client_id: RequireClientId,
    /// `lookUp`.
    pub(crate) look_ups: LookUps,
    /// `onLookupFailure`.
    pub(crate) on_lookup_failure: OnLookupFailure,
    /// `layout`.
    pub(crate) layout: Layout,
    /// `extraEnv`.
    pub(crate) extra_env: Vec<ExtraEnv>,
    /// `identities`, by name.
    pub(crate) identities: Option<Identities>,
    /// `skipContainers`: those that never need an identity.
    pub(crate) skip_containers: Vec<Glob<Containers>>,
    /// `allowedIdentities`; all where there is none.
    pub(crate) allowed_identities: Option<Vec<AllowedIdentity>>,
    /// `preflight`.
    pub(crate) preflight: Preflight,
    /// `proxy`.
    pub(crate) proxy: ProxySettings,
    /// `customTokenEndpoint`.
    pub(crate) token_endpoint: Option<TokenEndpoint>,
}

/// What an identity without a client ID gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequireClientId {
    /// A warning.
    Warn,
    /// A refusal.
    Refuse,
}

/// The setting `preflight`: what is done about a workload whose pods will fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preflight {
    /// Nothing.
    Off,
    /// Everything is a warning.
    Warn,
    /// What makes the pods certain to be refused is refused here.
    Enforce,
}

impl Choice for Preflight {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("Off", Self::Off), ("Warn", Self::Warn), ("Enforce", Self::Enforce)];
}

impl Choice for OnLookupFailure {
    const CHOICES: &'static [(&'static str, Self)] = &[("Refuse", Self::Refuse), ("Admit", Self::Admit)];
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
    "lookUp",
    "onLookupFailure",
    "layout",
    "extraEnv",
    "identities",
    "skipContainers",
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

    /// Parses the settings; `null` counts as `{}`, and a field that is null as one that is missing, but in
    /// `allowedIdentities`, where it is refused: what an empty template leaves must not open the gate.
    ///
    /// # Errors
    /// Every unknown field, wrong type and value out of range.
    pub fn parse(text: &str) -> Result<Self, Tally<Problem>> {
        let not_an_object =
            |found: &str| Tally::from(Problem::unexpected("settings".to_owned(), found, "an object"));
        let json = Json::parse(text, &Shape::Whole)
            .map_err(|error| not_an_object(&format!("not JSON ({error})")))?;
        let mut problems = Tally::default();
        let fields: &[_] = match &json {
            Json::Object(fields) => fields,
            Json::Raw(raw) if raw == "null" => &[],
            Json::Raw(_) | Json::List(_) => return Err(not_an_object(&describe(&json))),
        };
        let settings = Self::read(&mut Fields::new("", fields, &mut problems));
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Whether `skipContainers` has the container called `name`.
    #[must_use]
    pub(crate) fn skips(&self, name: &str) -> bool {
        self.skip_containers.iter().any(|pattern| pattern.matches(name))
    }

    /// Problems of settings that are accepted, but may not do what was intended.
    #[must_use]
    pub(crate) fn advice(&self) -> Tally<Problem> {
        let gates = self.token_endpoint.as_ref().filter(|endpoint| endpoint.needs_gates()).map(|_| Problem {
            path: "customTokenEndpoint.ca.clusterTrustBundle".into(),
            text: "needs the feature gates ClusterTrustBundle and ClusterTrustBundleProjection; without them the API server drops it from pods, and AZURE_KUBERNETES_CA_FILE names no file".to_owned(),
        });
        let mut advice = Tally::default();
        advice.extend(gates.into_iter().chain(self.taken_names()));
        advice
    }

    /// The first variable of `extraEnv` that the policy sets itself where it is needed.
    fn taken_names(&self) -> Option<Problem> {
        let sets =
            |name: &str| name == proxy::PORT_VARIABLE || names::TOKEN_ENDPOINT_VARIABLES.contains(&name);
        let index = self.extra_env.iter().position(|extra| sets(&extra.name))?;
        let name = &self.extra_env.get(index)?.name;
        let text = format!(
            "is \"{name}\", which the policy also sets for the proxy or a token endpoint; in those containers the policy's value is used"
        );
        Some(Problem { path: format!("extraEnv[{index}].name").into(), text })
    }

    fn read(fields: &mut Fields) -> Self {
        fields.known(FIELDS);
        let settings = Self {
            tenant_id: fields.parsed("tenantId"),
            trigger: fields.choice("trigger").unwrap_or(Trigger::Any),
            authority_host: authority_host(fields),
            audience: fields.parsed("audience").unwrap_or_default(),
            token_expiration: fields.number("tokenExpirationSeconds").unwrap_or(TokenExpiration::DEFAULT),
            require_client_id: fields
                .switch("requireClientId", RequireClientId::Warn, RequireClientId::Refuse)
                .unwrap_or(RequireClientId::Warn),
            look_ups: fields.choice("lookUp").unwrap_or(LookUps::Fresh),
            on_lookup_failure: fields.choice("onLookupFailure").unwrap_or(OnLookupFailure::Refuse),
            layout: fields.choice("layout").unwrap_or(Layout::PerPod),
            extra_env: extra_env(fields, "extraEnv"),
            identities: Identities::read(fields, "identities"),
            skip_containers: skip_containers(fields, "skipContainers"),
            allowed_identities: allowed_identities::read(fields, "allowedIdentities"),
            preflight: fields.choice("preflight").unwrap_or(Preflight::Warn),
            proxy: fields.object("proxy", ProxySettings::read),
            token_endpoint: TokenEndpoint::read(fields, "customTokenEndpoint"),
        };
        if settings.token_endpoint.is_some() && settings.layout == Layout::Legacy {
            fields.problem("layout", "PerPod or Fixed, which customTokenEndpoint needs");
        }
        settings
    }
}

/// From `authorityHost`, or else `cloud`.
fn authority_host(fields: &mut Fields) -> AuthorityHost {
    let cloud = fields.parsed::<Cloud>("cloud");
    let authority_host = fields.parsed::<AuthorityHost>("authorityHost");
    if fields.present("cloud") && fields.present("authorityHost") {
        fields.problem("authorityHost", "only one of cloud and authorityHost");
    }
    authority_host.unwrap_or_else(|| cloud.unwrap_or(Cloud::Public).authority_host())
}

/// Most patterns of `skipContainers`: each is compared with the name of each container.
const SKIP_MAX: usize = 64;

fn skip_containers(fields: &mut Fields, name: &str) -> Vec<Glob<Containers>> {
    let patterns: Vec<Glob<Containers>> = fields.items(name).unwrap_or_default();
    if patterns.len() > SKIP_MAX {
        fields.problem(name, &format!("at most {SKIP_MAX} entries"));
    }
    patterns
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
        }
        match value {
            Some(value) => extra.push(ExtraEnv { name, value }),
            None => fields.problem("value", "a string"),
        }
    });
    for (index, extra) in repeated(&extra) {
        let path = format!("extraEnv[{index}].name");
        let found = Untrusted::from(extra.name.as_str()).quoted();
        fields.note(Problem::unexpected(path, &found, "a name that no earlier entry has"));
    }
    extra
}

/// The entries whose name an earlier one has.
fn repeated(extra: &[ExtraEnv]) -> impl Iterator<Item = (usize, &ExtraEnv)> {
    let names = NameSet::new(extra.iter().map(|extra| extra.name.as_str()));
    let mut distinct = 0;
    extra.iter().enumerate().filter(move |(_, extra)| {
        let first = names.place(&extra.name) == Some(distinct);
        distinct += usize::from(first);
        !first
    })
}

/// What Kubernetes accepts since 1.30 (`IsRelaxedEnvVarName`): printable ASCII without `=`.
fn is_env_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'=')
}

mod access;
#[cfg(test)]
mod tests;
