//! Whether and what a pod gets: `decide`. The plan is complete before the first write.

use crate::{
    decide::{
        fill::{self, OfContainers},
        identity::{Identity, Said, service_account_identity},
        own::Own,
        own_ids,
        plan::Plan,
        variables::Variables,
        warnings,
    },
    feature::proxy,
    object::{container::Container, pod::Candidate, service_account::ServiceAccount},
    settings::Settings,
    value::token::TokenExpiration,
    verdict::{mistake::Mistake, notice::Notice, outcome::Audit, refusal::Refusal, warning::Warning},
};

/// What was decided of a pod that gets an identity.
#[derive(Debug)]
pub(crate) struct Decision {
    /// What is written, or why it is refused.
    pub(crate) plan: Result<Plan, Vec<Refusal>>,
    /// What is said all the same.
    pub(crate) warnings: Vec<Warning>,
    /// Who gets which identity.
    pub(crate) audit: Audit,
    /// Whether a copy of the ServiceAccount is good enough for it.
    pub(crate) basis: Basis,
}

/// What a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// On what is there.
    Present,
    /// On what the ServiceAccount lacks or has wrong, which may have been repaired a moment ago.
    Missing,
}

/// Decides what `pod`, which is due an identity, gets from `account`.
///
/// | value | taken from, in this order |
/// |---|---|
/// | identity | [`service_account_identity`] |
/// | token expiration | pod annotation, ServiceAccount annotation, the named identity's, setting `tokenExpirationSeconds` |
/// | authority host | setting `authorityHost`, setting `cloud` |
/// | audience | the custom token endpoint's, where the pod asks for it; setting `audience` |
///
/// An empty annotation is ignored.
pub(crate) fn decide(settings: &Settings, pod: Candidate, account: &ServiceAccount) -> Decision {
    let (own, said) = (Own::read(settings, pod), Said::read(settings, account));
    let mut warnings = warnings::of_metadata(settings, pod, account, (&own, &said));
    let audit = audit(account, &said);
    let (identity, expiration) = match judge(settings, &own, account, &said) {
        Ok(judged) => judged,
        Err(mut mistakes) => {
            // What the pod itself gets wrong refuses it, whatever the ServiceAccount says a moment later.
            let basis = if own.mistakes.is_empty() { Basis::Missing } else { Basis::Present };
            mistakes.extend(own.mistakes);
            return Decision { plan: Err(mistakes), warnings, audit, basis };
        }
    };
    let others: Vec<Option<Identity>> =
        own.containers.due().map(|container| own.identities.of(&container.name, &identity)).collect();
    let audit = audit.with_containers(own.containers.due().map(|container| &*container.name).zip(&others));
    let refused = own_ids::mistakes(settings, &own.containers, &identity, &others);
    if !refused.is_empty() {
        return Decision { plan: Err(refused), warnings, audit, basis: Basis::Present };
    }
    let basis = if identity.client_id.is_some() { Basis::Present } else { Basis::Missing };
    let has_id =
        |container: &Container| warnings::sets_client_id(container) || own.identities.has(&container.name);
    if basis == Basis::Missing && !own.containers.due().all(has_id) {
        warnings.push(Warning::new(&account.reference.title(), Notice::NoClientId));
    }
    if let Some(port) = own.proxy {
        warnings.extend(proxy::warnings(pod, port));
    }
    let variables = |identity: &Identity| Variables::new(settings, identity, own.containers.endpoint);
    let variables = OfContainers {
        pods: variables(&identity),
        own: others.iter().map(|other| other.as_ref().map(variables)).collect(),
    };
    warnings.extend(fill::warnings(&own.containers, &variables));
    let plan = fill::plan(settings, &own.containers, &variables, expiration, own.proxy);
    Decision { plan: Ok(plan), warnings, audit, basis }
}

/// The identity and how long its token is valid, where neither the ServiceAccount nor the pod is wrong.
fn judge(
    settings: &Settings,
    own: &Own,
    account: &ServiceAccount,
    said: &Said,
) -> Result<(Identity, TokenExpiration), Vec<Refusal>> {
    let mut mistakes = Vec::new();
    let expiration = own.expiration.map_or_else(|| said.expiration.clone(), |own| Ok(Some(own)));
    let expiration = expiration.map(|expiration| expiration.unwrap_or(settings.token_expiration));
    let identity = service_account_identity(settings, account, said).map_err(|wrong| mistakes.extend(wrong));
    let title = account.reference.title();
    let expiration =
        expiration.map_err(|wrong| mistakes.push(Refusal::new(&title, Mistake::WrongAnnotation(wrong))));
    match (identity, expiration) {
        (Ok(identity), Ok(expiration)) if own.mistakes.is_empty() => Ok((identity, expiration)),
        (Ok(_) | Err(()), _) => Err(mistakes),
    }
}

/// The audit annotations, as far as the values can be used.
pub(crate) fn audit(account: &ServiceAccount, said: &Said) -> Audit {
    Audit {
        service_account: account.reference.clone(),
        identity: said.name.map(ToOwned::to_owned),
        client_id: said.client_id.clone().ok().flatten(),
        tenant_id: said.tenant_id.clone().ok().flatten(),
        containers: Vec::new(),
    }
}

impl Audit {
    /// The same, with the identities that containers have of their own.
    fn with_containers<'c>(self, containers: impl Iterator<Item = (&'c str, &'c Option<Identity>)>) -> Self {
        let own =
            containers.filter_map(|(name, identity)| Some((name, identity.as_ref()?.client_id.as_ref()?)));
        Self { containers: own.map(|(name, id)| (name.into(), id.clone())).collect(), ..self }
    }
}
