//! Which managed identities a namespace may use: the setting `allowedIdentities`.

use std::str::FromStr;

use wildmatch::WildMatch;

use crate::{
    json::fields::Fields,
    object::service_account::Reference,
    text::quote,
    value::identity::{ClientId, TenantId},
    verdict::{Code, Fault, Refusal},
};

/// A pattern for names of namespaces: `*` stands for any text, `?` for one character.
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceGlob(WildMatch);

impl FromStr for NamespaceGlob {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'*' | b'?')
        };
        if !text.is_empty() && text.bytes().all(fits) { Ok(Self(WildMatch::new(text))) } else { Err(()) }
    }
}

/// One entry of `allowedIdentities`; a list that is left out means any.
#[derive(Debug, Clone, PartialEq)]
pub struct AllowedIdentity {
    namespaces: Option<Vec<NamespaceGlob>>,
    client_ids: Option<Vec<ClientId>>,
    tenant_ids: Option<Vec<TenantId>>,
}

/// Reads the setting; `None` where it is missing.
pub fn read(fields: &mut Fields, name: &str) -> Option<Vec<AllowedIdentity>> {
    fields.present(name).then(|| {
        let mut allowed = Vec::new();
        fields.objects(name, |fields| {
            fields.known(&["namespaces", "clientIds", "tenantIds"]);
            allowed.push(AllowedIdentity {
                namespaces: fields.list("namespaces", "a namespace's name, with * and ? as wildcards"),
                client_ids: fields.list("clientIds", ClientId::ACCEPTED),
                tenant_ids: fields.list("tenantIds", TenantId::ACCEPTED),
            });
        });
        allowed
    })
}

impl AllowedIdentity {
    fn allows_namespace(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob.0.matches(namespace)))
    }

    /// A missing client id is only allowed by an entry that allows any.
    fn allows_client(&self, client_id: Option<&ClientId>) -> bool {
        self.client_ids
            .as_ref()
            .is_none_or(|allowed| client_id.is_some_and(|id| allowed.iter().any(|one| one.is(id))))
    }

    fn allows_tenant(&self, tenant_id: &TenantId) -> bool {
        self.tenant_ids.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one.is(tenant_id)))
    }
}

/// Refuses the identity of `reference` where no entry allows it, and says which part of it.
#[must_use]
pub fn check(
    allowed: &[AllowedIdentity],
    reference: &Reference,
    client_id: Option<&ClientId>,
    tenant_id: &TenantId,
) -> Option<Refusal> {
    let here: Vec<_> = allowed.iter().filter(|entry| entry.allows_namespace(&reference.namespace)).collect();
    let client: Vec<_> = here.iter().filter(|entry| entry.allows_client(client_id)).collect();
    if client.iter().any(|entry| entry.allows_tenant(tenant_id)) {
        return None;
    }
    let namespace = quote(&reference.namespace);
    let shown = client_id
        .map_or_else(|| "no client id".to_owned(), |id| format!("client id {}", quote(&id.to_string())));
    let problem = if here.is_empty() {
        format!(
            "no identity is allowed in namespace {namespace}, expected a namespace that the policy's setting allowedIdentities lists"
        )
    } else if client.is_empty() {
        format!(
            "{shown} is not allowed in namespace {namespace}, expected one that the policy's setting allowedIdentities lists"
        )
    } else {
        let tenant = quote(&tenant_id.to_string());
        format!(
            "tenant id {tenant} is not allowed with {shown} in namespace {namespace}, expected one that the policy's setting allowedIdentities lists"
        )
    };
    let client_ids = client_id.map(|id| format!(", clientIds: [{id}]")).unwrap_or_default();
    Some(Refusal {
        object: reference.title(),
        problem,
        hint: "use an identity that is allowed, or have the policy's administrator add to spec.settings.allowedIdentities:",
        cure: format!("- {{namespaces: [{}]{client_ids}, tenantIds: [{tenant_id}]}}", reference.namespace),
        code: Code::Forbidden,
        fault: Fault::Elsewhere,
    })
}
