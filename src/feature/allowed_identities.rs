//! Which managed identities a namespace may use: the setting `allowedIdentities`.

use std::{cell::RefCell, collections::HashMap};

use crate::{
    fields::Fields,
    value::{
        glob::{Glob, Namespaces},
        identity::{ClientId, TenantId},
    },
    verdict::{
        facts::{ClientOf, Fault, IdentityPart},
        mistake::Mistake,
    },
};

/// One entry of `allowedIdentities`; a list that is left out means any.
#[derive(Debug, Clone, PartialEq)]
pub struct AllowedIdentity {
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
    /// The patterns of its namespaces; `None` for any.
    #[must_use]
    pub fn namespaces(&self) -> Option<Vec<&str>> {
        self.namespaces.as_ref().map(|all| all.iter().map(Glob::as_str).collect())
    }

    /// Its client IDs; `None` for any.
    #[must_use]
    pub fn client_ids(&self) -> Option<Vec<&str>> {
        self.client_ids.as_ref().map(|all| all.iter().map(ClientId::as_str).collect())
    }

    /// Its tenants; `None` for any.
    #[must_use]
    pub fn tenant_ids(&self) -> Option<Vec<&str>> {
        self.tenant_ids.as_ref().map(|all| all.iter().map(TenantId::as_str).collect())
    }

    fn allows_namespace(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob.matches(namespace)))
    }
}

/// One half of an identity, as far as it is known where it is judged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Half<'i, T> {
    /// It is this one.
    Is(&'i T),
    /// There is none: only an entry that allows any allows that.
    Missing,
    /// It is not known, and can be any.
    Unknown,
}

// Not derived: `derive` would require the same trait of `T`, which is only referenced.
impl<T> Clone for Half<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Half<'_, T> {}

impl<'i, T> From<Option<&'i T>> for Half<'i, T> {
    fn from(value: Option<&'i T>) -> Self {
        value.map_or(Self::Missing, Self::Is)
    }
}

/// Entries, ascending, by an ID in lower case, as Microsoft Entra compares IDs without regard to case.
type Entries = HashMap<String, Vec<usize>>;

/// The setting, as far as it is about one namespace. Requests can hold thousands of IDs and the setting thousands of entries, so both are
/// looked up.
#[derive(Debug)]
pub(crate) struct Governance<'n> {
    /// The namespace.
    pub(crate) namespace: &'n str,
    entries: usize,
    clients: Lists,
    tenants: Lists,
    /// Cache of earlier answers: the entry that allows a client ID and a tenant, by both. Empty if no entry does.
    asked: RefCell<Entries>,
}

/// Which entries have which ID in one of their lists.
#[derive(Debug, Default)]
struct Lists {
    listing: Entries,
    /// The entries that have no such list, and so allow any. Ascending.
    open: Vec<usize>,
}

impl Lists {
    fn add<T: AsRef<str>>(&mut self, entry: usize, ids: Option<&[T]>) {
        let Some(ids) = ids else { return self.open.push(entry) };
        for id in ids {
            let listing = self.listing.entry(id.as_ref().to_ascii_lowercase()).or_default();
            if listing.last() != Some(&entry) {
                listing.push(entry);
            }
        }
    }

    /// The ID in lower case, and the entries that list it; neither where it is not listed.
    fn listing<T: AsRef<str>>(&self, half: Half<T>) -> (&str, &[usize]) {
        let Half::Is(id) = half else { return ("", &[]) };
        let found = self.listing.get_key_value(&id.as_ref().to_ascii_lowercase());
        found.map_or(("", &[]), |(id, entries)| (id, entries))
    }
}

impl<'n> Governance<'n> {
    /// What `settings` say of `namespace`; `None` where they allow everything.
    pub(crate) fn of(allowed: Option<&[AllowedIdentity]>, namespace: &'n str) -> Option<Self> {
        let here = allowed?.iter().filter(|entry| entry.allows_namespace(namespace)).enumerate();
        let (mut entries, mut clients, mut tenants) = (0, Lists::default(), Lists::default());
        for (entry, allowed) in here {
            clients.add(entry, allowed.client_ids.as_deref());
            tenants.add(entry, allowed.tenant_ids.as_deref());
            entries = entry + 1;
        }
        Some(Self { namespace, entries, clients, tenants, asked: RefCell::default() })
    }

    /// Whether an entry allows the identity.
    ///
    /// # Errors
    /// The part of it that no entry allows.
    pub(crate) fn allows(&self, client: Half<ClientId>, tenant: Half<TenantId>) -> Result<(), IdentityPart> {
        let (client_id, listing_client) = self.clients.listing(client);
        let (tenant_id, listing_tenant) = self.tenants.listing(tenant);
        let allowed = match (client, tenant) {
            (Half::Unknown, Half::Unknown) => self.entries > 0,
            (Half::Unknown, _) => !listing_tenant.is_empty() || !self.tenants.open.is_empty(),
            (_, Half::Unknown) => !listing_client.is_empty() || !self.clients.open.is_empty(),
            (Half::Is(_) | Half::Missing, _) => {
                let mut asked = self.asked.borrow_mut();
                let entry = asked.entry([client_id, " ", tenant_id].concat());
                !entry.or_insert_with(|| self.entry(listing_client, listing_tenant)).is_empty()
            }
        };
        if allowed {
            return Ok(());
        }
        let no_client = client != Half::Unknown && listing_client.is_empty() && self.clients.open.is_empty();
        Err(match self.entries {
            0 => IdentityPart::Namespace,
            _ if no_client => IdentityPart::ClientId,
            _ => IdentityPart::TenantId,
        })
    }

    /// An entry that is in both lists, or allows any.
    fn entry(&self, clients: &[usize], tenants: &[usize]) -> Vec<usize> {
        for one in [clients, &self.clients.open] {
            for other in [tenants, &self.tenants.open] {
                if let Some(entry) = common(one, other) {
                    return vec![entry];
                }
            }
        }
        Vec::new()
    }
}

/// An entry that two ascending lists have in common.
fn common(one: &[usize], other: &[usize]) -> Option<usize> {
    let (few, many) = if one.len() < other.len() { (one, other) } else { (other, one) };
    few.iter().copied().find(|entry| many.binary_search(entry).is_ok())
}

/// The mistake of a ServiceAccount, where no entry allows its identity. `name` is the identity's in the setting `identities`, where that is how
/// the client ID is known.
#[must_use]
pub(crate) fn check_identity(
    governance: &Governance,
    name: Option<&str>,
    client_id: Option<&ClientId>,
    tenant_id: &TenantId,
) -> Option<Mistake> {
    let part = governance.allows(client_id.into(), Half::Is(tenant_id)).err()?;
    Some(Mistake::IdentityNotAllowed {
        part,
        namespace: governance.namespace.into(),
        client: match (name, client_id) {
            (Some(name), _) => ClientOf::Name(name.into()),
            (None, Some(id)) => ClientOf::Id(id.clone()),
            (None, None) => ClientOf::Nothing,
        },
        tenant_id: tenant_id.clone(),
        fault: Fault::Elsewhere,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<T: std::str::FromStr>(texts: &[&str]) -> Option<Vec<T>> {
        (!texts.is_empty()).then(|| texts.iter().filter_map(|text| text.parse().ok()).collect())
    }

    #[test]
    fn allows_what_one_entry_allows_whole() {
        let [a, b] = ["6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa", "11111111-2222-4333-8444-555555555555"];
        let entry = |namespaces: &[&str], clients: &[&str], tenants: &[&str]| AllowedIdentity {
            namespaces: ids(namespaces),
            client_ids: ids(clients),
            tenant_ids: ids(tenants),
        };
        let allowed = [
            entry(&["n"], &[a, b], &["one.example"]),
            entry(&["n", "m"], &[b], &["two.example"]),
            entry(&["m"], &[], &["two.example", "three.example"]),
            entry(&["o"], &[a], &[]),
        ];
        let (client, tenant, nothing) =
            (IdentityPart::ClientId, IdentityPart::TenantId, IdentityPart::Namespace);
        for (namespace, id, domain, expected) in [
            ("n", a, "ONE.example", Ok(())),
            ("n", b, "one.example", Ok(())),
            ("n", b, "two.example", Ok(())),
            ("n", a, "two.example", Err(tenant)),
            ("n", "", "one.example", Err(client)),
            ("m", a, "three.example", Ok(())),
            ("m", "", "two.example", Ok(())),
            ("m", b, "one.example", Err(tenant)),
            ("o", a, "", Ok(())),
            ("o", b, "one.example", Err(client)),
            ("p", a, "one.example", Err(nothing)),
        ] {
            let governance = Governance::of(Some(&allowed), namespace).unwrap();
            let (id, domain): (Option<ClientId>, Option<TenantId>) = (id.parse().ok(), domain.parse().ok());
            for _ in 0..2 {
                let found = governance.allows(id.as_ref().into(), domain.as_ref().into());
                assert_eq!(found, expected, "{namespace} {id:?} {domain:?}");
            }
        }
        let governance = Governance::of(Some(&allowed), "n").unwrap();
        let id: ClientId = a.parse().unwrap();
        assert_eq!(governance.allows(Half::Is(&id), Half::Unknown), Ok(()));
        let other: TenantId = "three.example".parse().unwrap();
        assert_eq!(governance.allows(Half::Unknown, Half::Is(&other)), Err(tenant));
        assert!(Governance::of(None, "n").is_none());
    }
}
