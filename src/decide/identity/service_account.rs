//! The identity that a ServiceAccount names, checked.

use crate::{
    feature::{
        allowed_identities::{self, Governance},
        identities::{NamedIdentity, Usable},
    },
    object::service_account::ServiceAccount,
    settings::{RequireClientId, Settings},
    value::{
        identity::{ClientId, TenantId},
        layout::Layout,
        names,
        token::TokenExpiration,
    },
    verdict::{
        facts::{Instead, WrongValue},
        mistake::Mistake,
        refusal::Refusal,
    },
};

/// The identity of a pod in Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its client ID, if one is named.
    pub(crate) client_id: Option<ClientId>,
    /// Its tenant.
    pub(crate) tenant_id: TenantId,
}

/// The identity settings of a ServiceAccount. If it uses an identity's name, the name is looked up once.
#[derive(Debug)]
pub(crate) struct AccountIdentity<'s> {
    /// The name of its entry in the setting `identities`, if it names an existing one.
    pub(crate) name: Option<&'s str>,
    /// The client ID: by its annotation `identity`, or `client-id`.
    pub(crate) client_id: Result<Option<ClientId>, WrongValue>,
    /// The tenant; `None` if neither an annotation nor the settings have one.
    pub(crate) tenant_id: Result<Option<TenantId>, WrongValue>,
    /// How long its token is valid, if the ServiceAccount or the named identity sets it.
    pub(crate) expiration: Result<Option<TokenExpiration>, WrongValue>,
    /// Where its pods have their token, if the ServiceAccount sets it.
    pub(crate) layout: Result<Option<Layout>, WrongValue>,
}

impl<'s> AccountIdentity<'s> {
    /// Reads the annotations of `account`. Empty annotations are ignored.
    pub(crate) fn read(
        settings: &'s Settings,
        governance: Option<&Governance>,
        account: &ServiceAccount,
    ) -> Self {
        let named = named(settings, governance, account);
        let entry = named.as_ref().ok().copied().flatten();
        let tenant_id = account.tenant_id().map(|written| {
            let of_name = || entry.and_then(|named| named.tenant_id.clone());
            written.or_else(of_name).or_else(|| settings.tenant_id.clone())
        });
        let expiration = account.annotations.token_expiration();
        let expiration =
            expiration.map(|written| written.or_else(|| entry.and_then(|named| named.expiration)));
        Self {
            name: entry.map(|named| named.name.as_str()),
            client_id: client_id(account, named),
            tenant_id,
            expiration,
            layout: account.annotations.parsed(names::LAYOUT),
        }
    }
}

/// The entry of the setting `identities` that `account` names; `None` where it names none, or there is no such setting.
///
/// # Errors
/// A name that is not in the setting.
fn named<'s>(
    settings: &'s Settings,
    governance: Option<&Governance>,
    account: &ServiceAccount,
) -> Result<Option<&'s NamedIdentity>, WrongValue> {
    let name = account.annotations.value(names::IDENTITY);
    let Some((name, identities)) = name.zip(settings.identities.as_ref()) else { return Ok(None) };
    let tenant = account.tenant_id().ok().flatten();
    let identities = Usable::new(identities, governance, tenant.as_ref());
    identities.named(name).map(Some).ok_or_else(|| identities.unknown(names::IDENTITY, name))
}

/// The client ID of `account`. `named` is the entry of `identities` that it names.
///
/// # Errors
/// A value of either annotation that can't be used, or two that differ.
fn client_id(
    account: &ServiceAccount,
    named: Result<Option<&NamedIdentity>, WrongValue>,
) -> Result<Option<ClientId>, WrongValue> {
    let written = account.client_id()?;
    let Some(named) = named? else { return Ok(written) };
    match written {
        Some(written) if written != named.client_id => Err(WrongValue {
            annotation: names::CLIENT_ID,
            found: written.to_string(),
            accepted: format!("the client ID of identity {}", named.name).into(),
            instead: Instead::Nothing,
        }),
        Some(_) | None => Ok(Some(named.client_id.clone())),
    }
}

/// The identity of `account`, from the annotations in `said`.
///
/// | value | taken from, in this order |
/// |---|---|
/// | client ID | ServiceAccount annotation `identity` by the setting `identities`, annotation `client-id` |
/// | tenant ID | ServiceAccount annotation, the named identity's, setting `tenantId` |
///
/// An empty annotation is ignored.
///
/// # Errors
/// Every mistake of the ServiceAccount that would affect every pod that uses it.
pub(crate) fn service_account_identity(
    settings: &Settings,
    governance: Option<&Governance>,
    account: &ServiceAccount,
    said: &AccountIdentity,
) -> Result<Identity, Vec<Refusal>> {
    let mut mistakes = Vec::new();
    let mut wrong = |wrong| mistakes.push(Mistake::WrongAnnotation(wrong));
    let client_id = said.client_id.clone().map_err(&mut wrong);
    let tenant_id = said.tenant_id.clone().map_err(&mut wrong);
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
    if let (Some(Identity { client_id, tenant_id }), Some(governance)) = (&identity, governance) {
        mistakes.extend(allowed_identities::check_identity(
            governance,
            said.name,
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
