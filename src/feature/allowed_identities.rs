//! Which managed identities a namespace may use: the setting `allowedIdentities`.

use crate::{
    json::fields::Fields,
    value::{
        glob::{Glob, Namespaces},
        identity::{ClientId, TenantId},
    },
    verdict::mistake::{IdentityPart, Mistake},
};

/// One entry of `allowedIdentities`; a list that is left out means any.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AllowedIdentity {
    namespaces: Option<Vec<Glob<Namespaces>>>,
    client_ids: Option<Vec<ClientId>>,
    tenant_ids: Option<Vec<TenantId>>,
}

/// Reads the setting; `None` where it is missing.
pub(crate) fn read(fields: &mut Fields, name: &str) -> Option<Vec<AllowedIdentity>> {
    fields.refuse_null(name, "a list", "allow any identity");
    fields.present(name).then(|| {
        let mut allowed = Vec::new();
        fields.objects(name, |fields| {
            fields.known(&["namespaces", "clientIds", "tenantIds"]);
            allowed.push(AllowedIdentity {
                namespaces: fields.list("namespaces"),
                client_ids: fields.list("clientIds"),
                tenant_ids: fields.list("tenantIds"),
            });
        });
        allowed
    })
}

impl AllowedIdentity {
    /// Its lists as texts: namespaces, client ids and tenants.
    pub(crate) fn texts(&self) -> [Option<Vec<String>>; 3] {
        let namespaces = self.namespaces.as_ref();
        let namespaces = namespaces.map(|all| all.iter().map(|glob| glob.as_str().to_owned()).collect());
        let clients = self.client_ids.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
        let tenants = self.tenant_ids.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
        [namespaces, clients, tenants]
    }

    fn allows_namespace(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob.matches(namespace)))
    }

    /// A missing client id is only allowed by an entry that allows any.
    fn allows_client(&self, client_id: Option<&ClientId>) -> bool {
        self.client_ids
            .as_ref()
            .is_none_or(|allowed| client_id.is_some_and(|client_id| allowed.contains(client_id)))
    }

    /// Likewise for a tenant that is not known.
    fn allows_tenant(&self, tenant_id: Option<&TenantId>) -> bool {
        self.tenant_ids
            .as_ref()
            .is_none_or(|allowed| tenant_id.is_some_and(|tenant_id| allowed.contains(tenant_id)))
    }
}

/// Whether an entry allows the identity in `namespace`.
///
/// # Errors
/// The part of it that no entry allows.
pub(crate) fn allows(
    allowed: &[AllowedIdentity],
    namespace: &str,
    client_id: Option<&ClientId>,
    tenant_id: Option<&TenantId>,
) -> Result<(), IdentityPart> {
    let here: Vec<_> = allowed.iter().filter(|entry| entry.allows_namespace(namespace)).collect();
    let client: Vec<_> = here.iter().filter(|entry| entry.allows_client(client_id)).collect();
    if client.iter().any(|entry| entry.allows_tenant(tenant_id)) {
        return Ok(());
    }
    Err(if here.is_empty() {
        IdentityPart::Namespace
    } else if client.is_empty() {
        IdentityPart::ClientId
    } else {
        IdentityPart::TenantId
    })
}

/// The mistake of a ServiceAccount, where no entry allows the identity in `namespace`.
#[must_use]
pub(crate) fn check(
    allowed: &[AllowedIdentity],
    namespace: &str,
    client_id: Option<&ClientId>,
    tenant_id: &TenantId,
) -> Option<Mistake> {
    let part = allows(allowed, namespace, client_id, Some(tenant_id)).err()?;
    Some(Mistake::IdentityNotAllowed {
        part,
        namespace: namespace.into(),
        client_id: client_id.cloned(),
        tenant_id: tenant_id.clone(),
    })
}
