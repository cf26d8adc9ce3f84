//! Decides whether a pod gets an identity, and what is written: `decide`. The plan is complete before the first write.

use crate::{
    decide::{
        container::evidence::sets_client_id,
        identity::{
            container_annotation::Other,
            container_env, holdings,
            identities::Identities,
            service_account::{AccountIdentity, Identity, service_account_identity},
        },
        plan::{
            Plan,
            build::{self, TooLarge},
        },
        pod_request::PodRequest,
        warnings,
    },
    feature::{allowed_identities::Governance, proxy},
    object::{container::Container, pod::Candidate, service_account::ServiceAccount},
    settings::Settings,
    tally::Tally,
    value::token::TokenExpiration,
    verdict::{
        facts::Fault,
        mistake::Mistake,
        notice::Notice,
        outcome::{Audit, Holders},
        refusal::Refusal,
        warning::{Warning, Warnings},
    },
};

/// The decision about a pod that is due an identity.
#[derive(Debug)]
pub(crate) struct Decision {
    /// What is written, or why it is refused.
    pub(crate) plan: Result<Plan, Tally<Refusal>>,
    /// The warnings, in either case.
    pub(crate) warnings: Warnings,
    /// Who gets which identity.
    pub(crate) audit: Audit,
    /// Whether a cached copy of the ServiceAccount is good enough for this decision.
    pub(crate) basis: Basis,
}

/// What a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// On values that are present.
    Present,
    /// On something missing or wrong in the ServiceAccount, which may have been fixed a moment ago.
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
pub(crate) fn decide(
    settings: &Settings,
    governance: Option<&Governance>,
    pod: Candidate,
    account: &ServiceAccount,
) -> Decision {
    let said = AccountIdentity::read(settings, governance, account);
    let layout = said.layout.as_ref().ok().copied().flatten();
    let own = PodRequest::read(settings, governance, pod, layout);
    let mut warnings = Warnings::default();
    warnings::of_metadata(settings, pod, account, (&own, &said), &mut warnings);
    let audit = audit(account, &said);
    let (identity, expiration) = match identity_and_expiration(settings, governance, &own, account, &said) {
        Ok(judged) => judged,
        Err(mistakes) => {
            // The pod's own mistakes refuse it, even if the ServiceAccount has changed in the meantime.
            let basis = if own.mistakes.is_empty() { Basis::Missing } else { Basis::Present };
            let mut all = mistakes;
            all.append(own.mistakes);
            return Decision { plan: Err(all), warnings, audit, basis };
        }
    };
    let due = || own.containers.due();
    let others: Vec<Option<Other>> =
        due().map(|container| own.identities.of(&container.name, &identity)).collect();
    let identities =
        Identities { pods: &identity, own: &others, named: &own.identities, new_due: &own.new_due };
    let refused = container_env::mistakes(governance, settings, &own.containers, &identities);
    if !refused.is_empty() {
        let basis = basis_of(&refused);
        return Decision { plan: Err(refused), warnings, audit, basis };
    }
    let basis = if identity.client_id.is_some() { Basis::Present } else { Basis::Missing };
    let has_id = |container: &Container| sets_client_id(container) || own.identities.has(&container.name);
    if basis == Basis::Missing && !due().all(has_id) {
        warnings.push(Warning::new(&account.reference.title(), Notice::NoClientId));
    }
    if let Some(port) = own.proxy {
        warnings.extend(proxy::warnings(pod, port));
        warnings.extend(governance.map(|_| Warning::new(pod.title, Notice::ProxyServesAny)));
    }
    warnings::of_containers(settings, &own.containers, &identities, own.proxy.is_some(), &mut warnings);
    let plan = build::plan(settings, &own.containers, &identities, expiration, own.proxy);
    let plan = plan.map_err(|TooLarge| Tally::from(Refusal::new(pod.title, Mistake::TooLarge)));
    let audit = match plan {
        Ok(_) => holdings::audit(audit, &own.containers, &identities),
        Err(_) => audit,
    };
    Decision { plan, warnings, audit, basis }
}

/// What mistakes of the containers' IDs rest on: those of the pod alone refuse it, whatever its ServiceAccount says.
fn basis_of(refused: &Tally<Refusal>) -> Basis {
    let certain = refused.first().iter().any(|refusal| refusal.fault() == Fault::Template);
    if certain { Basis::Present } else { Basis::Missing }
}

/// The identity and how long its token is valid, if neither the ServiceAccount nor the pod has a mistake.
fn identity_and_expiration(
    settings: &Settings,
    governance: Option<&Governance>,
    own: &PodRequest,
    account: &ServiceAccount,
    said: &AccountIdentity,
) -> Result<(Identity, TokenExpiration), Tally<Refusal>> {
    let mut mistakes = Tally::default();
    let expiration = own.expiration.map_or_else(|| said.expiration.clone(), |own| Ok(Some(own)));
    let expiration = expiration.map(|expiration| expiration.unwrap_or(settings.token_expiration));
    let identity =
        service_account_identity(settings, governance, account, said).map_err(|wrong| mistakes.extend(wrong));
    let title = account.reference.title();
    let mut wrong_annotation = |wrong| mistakes.push(Refusal::new(&title, Mistake::WrongAnnotation(wrong)));
    let expiration = expiration.and_then(|expiration| said.layout.clone().map(|_| expiration));
    let expiration = expiration.map_err(&mut wrong_annotation);
    match (identity, expiration) {
        (Ok(identity), Ok(expiration)) if own.mistakes.is_empty() => Ok((identity, expiration)),
        (Ok(_) | Err(()), _) => Err(mistakes),
    }
}

/// The audit annotations, from those values of the ServiceAccount that are valid.
pub(crate) fn audit(account: &ServiceAccount, said: &AccountIdentity) -> Audit {
    Audit {
        service_account: account.reference.clone(),
        identity: said.name.map(ToOwned::to_owned),
        client_id: said.client_id.clone().ok().flatten(),
        tenant_id: said.tenant_id.clone().ok().flatten(),
        clients: Tally::default(),
        tenants: Tally::default(),
        holders: Holders::Unknown,
    }
}
