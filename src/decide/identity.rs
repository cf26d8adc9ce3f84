//! The identity that a ServiceAccount names, checked.

use crate::{
    feature::allowed_identities,
    object::service_account::ServiceAccount,
    settings::{RequireClientId, Settings},
    value::identity::{ClientId, TenantId},
    verdict::{mistake::Mistake, refusal::Refusal},
};

/// Who a pod is to Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its client id, if one is named.
    pub(crate) client_id: Option<ClientId>,
    /// Its tenant.
    pub(crate) tenant_id: TenantId,
}

/// The identity that `account` names.
///
/// | value | taken from, in this order |
/// |---|---|
/// | client id | ServiceAccount annotation |
/// | tenant id | ServiceAccount annotation, setting `tenantId` |
///
/// An empty annotation is ignored.
///
/// # Errors
/// Every mistake of the ServiceAccount that would be one of every pod that uses it.
pub(crate) fn service_account_identity(
    settings: &Settings,
    account: &ServiceAccount,
) -> Result<Identity, Vec<Refusal>> {
    let mut mistakes = Vec::new();
    let client_id = account.client_id().map_err(|wrong| mistakes.push(Mistake::WrongAnnotation(wrong)));
    let tenant_id = account.tenant_id().map_err(|wrong| mistakes.push(Mistake::WrongAnnotation(wrong)));
    let tenant_id = tenant_id.map(|tenant_id| tenant_id.or_else(|| settings.tenant_id.clone()));
    if tenant_id == Ok(None) {
        mistakes.push(Mistake::NoTenant);
    }
    if client_id == Ok(None) && settings.require_client_id == RequireClientId::Refuse {
        mistakes.push(Mistake::ClientIdRequired);
    }
    let identity = match (client_id, tenant_id) {
        (Ok(client_id), Ok(Some(tenant_id))) => Some(Identity { client_id, tenant_id }),
        (Ok(_) | Err(()), _) => None,
    };
    if let (Some(identity), Some(allowed)) = (&identity, &settings.allowed_identities) {
        let Identity { client_id, tenant_id } = identity;
        mistakes.extend(allowed_identities::check(
            allowed,
            account.reference.namespace.as_str(),
            client_id.as_ref(),
            tenant_id,
        ));
    }
    let title = account.reference.title();
    match identity {
        Some(identity) if mistakes.is_empty() => Ok(identity),
        Some(_) | None => Err(mistakes.into_iter().map(|mistake| Refusal::new(&title, mistake)).collect()),
    }
}
