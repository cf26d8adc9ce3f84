//! Containers whose identity differs from the ServiceAccount's: the pod annotation `container-identities`.

use std::borrow::Cow;

use crate::{
    decide::identity::service_account::Identity,
    feature::{
        allowed_identities::{self, Governance, Half},
        identities::{NamedIdentity, Usable},
    },
    name_set::{ByName, NameSet},
    object::annotations::Annotations,
    settings::Settings,
    value::{
        identity::{ClientId, is_object_name},
        names,
        parse::Accepts,
    },
    verdict::{
        facts::{Fault, Instead, WrongValue},
        mistake::Mistake,
    },
};

/// The containers that get an identity of their own, and which.
#[derive(Debug, Default)]
pub(crate) struct ContainerIdentities<'s> {
    names: NameSet<'s>,
    /// By their places in `names`.
    chosen: Vec<Chosen<'s>>,
}

/// Another identity than the ServiceAccount's.
#[derive(Debug)]
enum Chosen<'s> {
    /// One of the setting `identities`.
    Named(&'s NamedIdentity),
    /// One by its client ID.
    Id(ClientId),
}

/// The form of the annotation, as messages describe it.
const ENTRIES: &str = "a list of CONTAINER=IDENTITY entries, separated by ;, with each container once";

/// A fix repeats the annotation only if it has at most this many entries.
const FIXED_MAX: usize = 8;

/// Placeholder in a fix for an invalid container name.
const CONTAINER: &str = "CONTAINER";

impl<'s> ContainerIdentities<'s> {
    /// Reads the annotation: each container with a name of the setting `identities` or a client ID.
    ///
    /// # Errors
    /// The first entry that can't be used.
    pub(crate) fn read(
        settings: &'s Settings,
        governance: Option<&Governance>,
        annotations: &'s Annotations,
    ) -> Result<Self, WrongValue> {
        let text = annotations.value(names::CONTAINER_IDENTITIES).unwrap_or_default();
        let entries: Vec<&str> = text.split(';').map(str::trim).filter(|entry| !entry.is_empty()).collect();
        if entries.is_empty() {
            return Ok(Self::default());
        }
        let usable = settings.identities.as_ref().map(|all| Usable::new(all, governance, None));
        let identities = usable.as_ref();
        // Both lists can be long, so identities are looked up by name. Of two with the same name, the last one counts.
        let named = settings.identities.iter().flat_map(|all| all.iter().rev());
        let by_name = ByName::first(named.map(|one| (one.name.as_str(), one)));
        let pairs: Vec<Option<(&str, &str)>> = entries.iter().map(|entry| pair(entry)).collect();
        let names = NameSet::new(pairs.iter().flatten().map(|(container, _)| *container));
        let mut chosen = Vec::new();
        for (entry, pair) in entries.iter().zip(&pairs) {
            let wrong = |found: &str, accepted| WrongValue {
                annotation: names::CONTAINER_IDENTITIES,
                found: found.to_owned(),
                accepted,
                instead: Instead::Value(fixed(identities, &pairs)),
            };
            let Some((container, identity)) = pair else {
                return Err(wrong(entry, Cow::Borrowed(ENTRIES)));
            };
            if names.place(container) != Some(chosen.len()) {
                return Err(wrong(entry, Cow::Borrowed(ENTRIES)));
            }
            let choice =
                by_name.get(identity).copied().filter(|one| identities.is_some_and(|all| all.has(one)));
            let choice = choice.map(Chosen::Named);
            chosen.push(
                choice
                    .or_else(|| Chosen::by_id(identity))
                    .ok_or_else(|| wrong(identity, accepted(identities, identity)))?,
            );
        }
        Ok(Self { names, chosen })
    }

    /// Whether the container called `name` gets an identity of its own.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The names, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'s str> {
        self.names.iter()
    }

    /// The identity that the annotation gives to container `name`, if any. Its tenant is that of `pods` if it has none of its own.
    pub(crate) fn of(&self, name: &str, pods: &Identity) -> Option<Other<'s>> {
        let (client_id, tenant_id, name) = match self.chosen.get(self.names.place(name)?)? {
            Chosen::Named(named) => (&named.client_id, named.tenant_id.as_ref(), Some(named.name.as_str())),
            Chosen::Id(id) => (id, None, None),
        };
        let tenant = if tenant_id.is_some() { TenantFrom::Name } else { TenantFrom::Pod };
        let tenant_id = tenant_id.unwrap_or(&pods.tenant_id).clone();
        Some(Other { identity: Identity { client_id: Some(client_id.clone()), tenant_id }, name, tenant })
    }
}

/// The identity of a container that has another than its pod.
#[derive(Debug)]
pub(crate) struct Other<'s> {
    /// The identity.
    pub(crate) identity: Identity,
    /// Its name, if the annotation uses the name.
    name: Option<&'s str>,
    tenant: TenantFrom,
}

/// Where the tenant of an identity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TenantFrom {
    /// From the named identity.
    Name,
    /// From the pod, whose ServiceAccount can set it.
    Pod,
}

impl Other<'_> {
    /// The mistake of the pod, where `governance` does not allow the identity.
    pub(crate) fn refused(&self, governance: &Governance) -> Option<Mistake> {
        let Identity { client_id, tenant_id } = &self.identity;
        let mut mistake =
            allowed_identities::check_identity(governance, self.name, client_id.as_ref(), tenant_id)?;
        if let Mistake::IdentityNotAllowed { fault, .. } = &mut mistake {
            let any_tenant = governance.allows(client_id.as_ref().into(), Half::Unknown).is_ok();
            *fault = match self.tenant {
                TenantFrom::Pod if any_tenant => Fault::Elsewhere,
                TenantFrom::Pod | TenantFrom::Name => Fault::Template,
            };
        }
        Some(mistake)
    }
}

/// The container and the identity of an entry.
fn pair(entry: &str) -> Option<(&str, &str)> {
    let (container, identity) = entry.split_once('=')?;
    let (container, identity) = (container.trim(), identity.trim());
    (!container.is_empty() && !identity.is_empty()).then_some((container, identity))
}

impl Chosen<'_> {
    /// The identity whose client ID `text` is.
    fn by_id(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::Id)
    }
}

/// What would be accepted in place of `text`.
fn accepted(identities: Option<&Usable>, text: &str) -> Cow<'static, str> {
    let Some(identities) = identities else { return ClientId::accepted() };
    let names = identities.unknown(names::CONTAINER_IDENTITIES, text).accepted;
    format!("{} or {names}", ClientId::accepted()).into()
}

/// The annotation with every entry fixed. An unknown identity becomes the nearest name, or a placeholder.
fn fixed(identities: Option<&Usable>, pairs: &[Option<(&str, &str)>]) -> String {
    // Too long for a line of a manifest.
    if pairs.len() > FIXED_MAX {
        return format!("{CONTAINER}={}", ClientId::PLACEHOLDER);
    }
    let entries = pairs.iter().map(|pair| {
        let (container, identity) = pair.unwrap_or((CONTAINER, ""));
        let container = if is_object_name(container) { container } else { CONTAINER };
        let known = identity.parse::<ClientId>().is_ok()
            || identities.is_some_and(|all| all.named(identity).is_some());
        let nearest = || identities.and_then(|all| all.nearest(identity)).unwrap_or(ClientId::PLACEHOLDER);
        format!("{container}={}", if known { identity } else { nearest() })
    });
    entries.collect::<Vec<String>>().join(";")
}
