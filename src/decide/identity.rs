//! The identity that a ServiceAccount names for a pod, checked.

use crate::{
    feature::allowed_identities,
    object::{
        pod::{Candidate, of_pod},
        service_account::{Reference, ServiceAccount, WrongValue, token_expiration},
    },
    settings::{RequireClientId, Settings},
    value::{
        identity::{ClientId, TenantId},
        names,
        token::TokenExpiration,
    },
    verdict::{Code, Fault, Refusal},
};

/// The identity as it is injected.
pub(crate) struct Identity {
    pub(crate) client_id: Option<ClientId>,
    pub(crate) tenant_id: TenantId,
    pub(crate) expiration: TokenExpiration,
}

/// The identity that `service_account` names, for pods of it: what is wrong with it goes to `refusals`.
pub fn service_account_identity(
    settings: &Settings,
    service_account: &ServiceAccount,
    refusals: &mut Vec<Refusal>,
) -> Option<(Option<ClientId>, TenantId)> {
    let reference = &service_account.reference;
    let mut keep = |wrong: WrongValue| refusals.push(wrong.of_service_account(reference));
    let client_id = service_account.client_id().map_err(&mut keep).ok();
    let tenant_id = service_account.tenant_id().map_err(&mut keep).ok();
    let tenant_id = tenant_id.and_then(|tenant_id| {
        let tenant_id = tenant_id.or_else(|| settings.tenant_id.clone());
        if tenant_id.is_none() {
            refusals.push(no_tenant(reference));
        }
        tenant_id
    });
    if client_id == Some(None) && settings.require_client_id == RequireClientId::Refuse {
        refusals.push(no_client_id(reference));
    }
    let (client_id, tenant_id) = (client_id?, tenant_id?);
    if let Some(allowed) = &settings.allowed_identities {
        refusals.extend(allowed_identities::check(allowed, reference, client_id.as_ref(), &tenant_id));
    }
    Some((client_id, tenant_id))
}

pub(crate) fn identity(
    settings: &Settings,
    pod: Candidate,
    service_account: &ServiceAccount,
    refusals: &mut Vec<Refusal>,
) -> Option<Identity> {
    let ids = service_account_identity(settings, service_account, refusals);
    let expiration = match token_expiration(&pod.metadata.annotations) {
        Ok(Some(expiration)) => Some(expiration),
        Ok(None) => match service_account.token_expiration() {
            Ok(expiration) => Some(expiration.unwrap_or(settings.token_expiration)),
            Err(wrong) => {
                refusals.push(wrong.of_service_account(&service_account.reference));
                None
            }
        },
        Err(wrong) => {
            refusals.push(of_pod(&wrong, pod));
            None
        }
    };
    let ((client_id, tenant_id), expiration) = (ids?, expiration?);
    Some(Identity { client_id, tenant_id, expiration })
}

fn no_tenant(reference: &Reference) -> Refusal {
    Refusal {
        object: reference.title(),
        problem: format!(
            "annotation {} is missing and the policy's setting tenantId too, expected {} in one of them",
            names::TENANT_ID,
            TenantId::ACCEPTED
        ),
        hint: "give it in the policy's spec.settings as tenantId, or with:",
        cure: reference.annotate(names::TENANT_ID, "<the tenant id>"),
        code: Code::BadRequest,
        fault: Fault::Elsewhere,
    }
}

fn no_client_id(reference: &Reference) -> Refusal {
    Refusal {
        object: reference.title(),
        problem: format!(
            "annotation {} is missing and the policy's setting requireClientId is true, expected {}",
            names::CLIENT_ID,
            ClientId::ACCEPTED
        ),
        hint: "give it with:",
        cure: reference.annotate(names::CLIENT_ID, "<the managed identity's client id>"),
        code: Code::BadRequest,
        fault: Fault::Elsewhere,
    }
}
