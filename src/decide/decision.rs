//! Whether and what a pod gets: `decide`. The plan is complete before the first write.

use crate::{
    decide::{containers::Injector, identity::identity, plan::Plan, warnings},
    feature::proxy,
    object::{
        pod::Candidate,
        service_account::{Reference, ServiceAccount},
    },
    settings::Settings,
    value::{identity::Subject, names},
    verdict::{Audit, Refusal, Warning},
};

/// What was decided of a pod that gets an identity.
#[derive(Debug)]
pub struct Decision {
    /// What is written, or why it is refused.
    pub plan: Result<Plan, Vec<Refusal>>,
    /// What is said all the same.
    pub warnings: Vec<Warning>,
    /// Who gets which identity.
    pub audit: Audit,
    /// Whether the verdict rests on what the ServiceAccount lacks, so that a cached copy must be confirmed.
    pub doubtful: bool,
}

/// Decides what `pod`, which is due an identity, gets from `service_account`.
///
/// | value | taken from, in this order |
/// |---|---|
/// | client id | ServiceAccount annotation |
/// | tenant id | ServiceAccount annotation, setting `tenantId` |
/// | token expiration | pod annotation, ServiceAccount annotation, setting `tokenExpirationSeconds` |
/// | authority host | setting `authorityHost`, setting `cloud` |
/// | audience | the custom token endpoint's, where the pod asks for it; setting `audience` |
///
/// An empty annotation counts as none.
#[must_use]
pub fn decide(settings: &Settings, pod: Candidate, service_account: &ServiceAccount) -> Decision {
    let mut refusals = Vec::new();
    let identity = identity(settings, pod, service_account, &mut refusals);
    let proxy = proxy::is_wanted(pod).then(|| proxy::port(pod)).transpose();
    let proxy = proxy.unwrap_or_else(|wrong| {
        refusals.extend(wrong);
        None
    });
    let injector = Injector::new(settings, pod);
    refusals.extend(injector.conflicts());
    let mut warnings =
        warnings::of_metadata(settings, pod, service_account, &injector.skipped, proxy.is_some());
    let audit = audit(service_account, settings);
    let Some(identity) = identity.filter(|_| refusals.is_empty()) else {
        return Decision { plan: Err(refusals), warnings, audit, doubtful: true };
    };
    let doubtful = identity.client_id.is_none();
    if doubtful && !injector.due().all(warnings::sets_client_id) {
        warnings.push(no_client_id_warning(&service_account.reference));
    }
    if proxy.is_some() {
        warnings.extend(proxy::warnings(pod));
    }
    let plan = injector.plan(&identity, proxy, &mut warnings);
    Decision { plan: Ok(plan), warnings, audit, doubtful }
}

/// No client id, where none is required.
#[must_use]
pub fn no_client_id_warning(reference: &Reference) -> Warning {
    Warning::new(
        reference.title(),
        format!("no annotation {}, so {} stays unset", names::CLIENT_ID, names::AZURE_CLIENT_ID),
    )
}

/// The audit annotations, as far as the values can be used.
#[must_use]
pub fn audit(service_account: &ServiceAccount, settings: &Settings) -> Audit {
    let Reference { namespace, name } = &service_account.reference;
    let tenant_id = service_account.tenant_id().ok();
    Audit {
        service_account: service_account.reference.to_string(),
        client_id: service_account.client_id().ok().flatten().map(|client_id| client_id.to_string()),
        tenant_id: tenant_id
            .and_then(|tenant_id| tenant_id.or_else(|| settings.tenant_id.clone()))
            .map(|tenant_id| tenant_id.to_string()),
        subject: Subject { namespace, name }.to_string(),
    }
}
