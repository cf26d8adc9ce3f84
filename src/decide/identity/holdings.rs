//! The identity that each container of an accepted pod ends up with, for the audit annotations and the log line.

use crate::{
    decide::{container::containers::Containers, identity::identities::Identities},
    object::container::Container,
    tally::Tally,
    value::{
        identity::{ClientId, TenantId},
        names,
        parse::Accepts,
    },
    verdict::outcome::{Audit, Holders},
};

/// The audit annotations of a pod once the plan is written into it.
pub(crate) fn audit(audit: Audit, containers: &Containers, identities: &Identities) -> Audit {
    let mut held = Holdings::default();
    for (due, other) in containers.due.iter().zip(identities.own) {
        let identity = identities.of(other.as_ref());
        // A container with its own token gets nothing from the policy.
        let given = due.target.as_ref().map(|_| identity);
        let is_replaced = due.of_fallback().is_some() && identity.client_id.is_some();
        let from = (!is_replaced).then_some(due.container);
        let client = own(from, names::AZURE_CLIENT_ID, || given?.client_id.clone());
        let tenant = own(from, names::AZURE_TENANT_ID, || Some(given?.tenant_id.clone()));
        held.add(&due.container.name, client, tenant);
    }
    for name in identities.new_due {
        let other = identities.of_new(name);
        let identity = identities.of(other.as_ref());
        held.add(name, identity.client_id.clone(), Some(identity.tenant_id.clone()));
    }
    held.into_audit(audit)
}

/// The ID in the container's own variable, if it can be read. If the container has no such variable, the ID that it is given.
fn own<T: Accepts>(
    container: Option<&Container>,
    name: &str,
    given: impl FnOnce() -> Option<T>,
) -> Option<T> {
    match container.and_then(|container| container.variable(name)) {
        Some(env) => env.value().and_then(|value| value.parse().ok()),
        None => given(),
    }
}

/// Who the containers are.
#[derive(Debug, Default)]
pub(crate) struct Holdings<'c> {
    all: Vec<(&'c str, Option<ClientId>, Option<TenantId>)>,
}

impl<'c> Holdings<'c> {
    /// Adds a container, with its IDs as far as they are known.
    pub(crate) fn add(&mut self, name: &'c str, client: Option<ClientId>, tenant: Option<TenantId>) {
        self.all.push((name, client, tenant));
    }

    /// The annotations: the ServiceAccount's IDs if a container uses them, otherwise the IDs that all containers share; and each container
    /// whose IDs differ.
    pub(crate) fn into_audit(self, audit: Audit) -> Audit {
        let clients = self.all.iter().map(|(name, client, _)| (*name, client.as_ref()));
        let tenants = self.all.iter().map(|(name, _, tenant)| (*name, tenant.as_ref()));
        let (clients, tenants): (Vec<_>, Vec<_>) = (clients.collect(), tenants.collect());
        let (client_id, clients) = split(&clients, audit.client_id.as_ref());
        let (tenant_id, tenants) = split(&tenants, audit.tenant_id.as_ref());
        let named = client_id.is_some() && client_id == audit.client_id;
        let holders = if self.all.is_empty() { Holders::None } else { Holders::Some };
        Audit {
            identity: audit.identity.filter(|_| named),
            client_id,
            tenant_id,
            clients,
            tenants,
            holders,
            ..audit
        }
    }
}

/// The ID recorded for the pod, and the containers whose ID differs.
fn split<T: PartialEq + Clone + Shown>(
    all: &[(&str, Option<&T>)],
    expected: Option<&T>,
) -> (Option<T>, Tally<(crate::text::Untrusted, String)>) {
    let has = |id: &T| all.iter().any(|(_, held)| *held == Some(id));
    let first = || {
        let (_, first) = all.first()?;
        first.filter(|first| all.iter().all(|(_, held)| *held == Some(*first)) && first.is_shown())
    };
    let common = expected.filter(|id| has(id)).or_else(first);
    let mut others = Tally::default();
    for (name, held) in all {
        if *held != common {
            let shown = held.filter(|held| held.is_shown()).map_or("?".to_owned(), Shown::text);
            others.add(|| ((*name).into(), shown));
        }
    }
    (common.cloned(), others)
}

/// An ID that a container can set itself.
pub(crate) trait Shown {
    /// Whether the value is certainly an ID. A value that only looks like a domain could be a secret.
    fn is_shown(&self) -> bool;
    /// The ID as text.
    fn text(&self) -> String;
}

impl Shown for ClientId {
    fn is_shown(&self) -> bool {
        true
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Shown for TenantId {
    fn is_shown(&self) -> bool {
        self.as_str().parse::<ClientId>().is_ok()
    }
    fn text(&self) -> String {
        self.to_string()
    }
}
