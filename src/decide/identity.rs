//! The identity that a ServiceAccount names, checked.

use crate::{
    feature::{allowed_identities, identities::NamedIdentity},
    object::service_account::ServiceAccount,
    settings::{RequireClientId, Settings},
    value::{
        identity::{ClientId, TenantId},
        names,
        token::TokenExpiration,
    },
    verdict::{
        mistake::{Mistake, WrongValue},
        refusal::Refusal,
    },
};

/// Who a pod is to Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its client id, if one is named.
    pub(crate) client_id: Option<ClientId>,
    /// Its tenant.
    pub(crate) tenant_id: TenantId,
}

/// The entry of the setting `identities` that `account` names; `None` where it names none, or there is no such setting.
///
/// # Errors
/// A name that is not in the setting.
pub(crate) fn named<'s>(
    settings: &'s Settings,
    account: &ServiceAccount,
) -> Result<Option<&'s NamedIdentity>, WrongValue> {
    let name = account.annotations.value(names::IDENTITY);
    let Some((name, identities)) = name.zip(settings.identities.as_ref()) else { return Ok(None) };
    identities.named(name).map(Some).ok_or_else(|| identities.unknown(names::IDENTITY, name))
}

/// The client id of `account`: by its annotation `identity`, or `client-id`; `None` where it has neither.
///
/// # Errors
/// A value of either that can't be used, or two that differ.
pub(crate) fn client_id(
    settings: &Settings,
    account: &ServiceAccount,
) -> Result<Option<ClientId>, WrongValue> {
    let written = account.client_id()?;
    let Some(named) = named(settings, account)? else { return Ok(written) };
    match written {
        Some(written) if written != named.client_id => Err(WrongValue {
            annotation: names::CLIENT_ID,
            found: written.to_string().into(),
            accepted: format!("{}, the client id of identity {}, or none", named.client_id, named.name)
                .into(),
            instead: named.client_id.to_string(),
        }),
        Some(_) | None => Ok(Some(named.client_id.clone())),
    }
}

/// How long a token for `account` is valid, where it or the identity that it names says so.
///
/// # Errors
/// Something else than seconds within the bounds.
pub(crate) fn token_expiration(
    settings: &Settings,
    account: &ServiceAccount,
) -> Result<Option<TokenExpiration>, WrongValue> {
    let written = account.annotations.token_expiration()?;
    let of_name = || named(settings, account).ok().flatten().and_then(|named| named.expiration);
    Ok(written.or_else(of_name))
}

/// The tenant of `account`; `None` where nobody says it.
///
/// # Errors
/// Something else than a UUID or a domain name.
pub(crate) fn tenant_id(
    settings: &Settings,
    account: &ServiceAccount,
) -> Result<Option<TenantId>, WrongValue> {
    let written = account.tenant_id()?;
    let of_name = || named(settings, account).ok().flatten().and_then(|named| named.tenant_id.clone());
    Ok(written.or_else(of_name).or_else(|| settings.tenant_id.clone()))
}

/// The identity that `account` names.
///
/// | value | taken from, in this order |
/// |---|---|
/// | client id | ServiceAccount annotation `identity` by the setting `identities`, annotation `client-id` |
/// | tenant id | ServiceAccount annotation, the named identity's, setting `tenantId` |
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
    let client_id =
        client_id(settings, account).map_err(|wrong| mistakes.push(Mistake::WrongAnnotation(wrong)));
    let tenant_id =
        tenant_id(settings, account).map_err(|wrong| mistakes.push(Mistake::WrongAnnotation(wrong)));
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
