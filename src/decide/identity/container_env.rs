//! Checks the IDs that a container sets itself against `allowedIdentities`. They take precedence over the ServiceAccount's.

use crate::{
    decide::{
        container::containers::Containers,
        identity::{container_annotation::Other, identities::Identities, service_account::Identity},
    },
    feature::allowed_identities::{Governance, Half},
    object::container::{Container, Env},
    settings::Settings,
    tally::Tally,
    value::{
        identity::{ClientId, TenantId},
        names,
        parse::Accepts,
    },
    verdict::{
        facts::{Fault, IdentityPart, OwnValue},
        mistake::Mistake,
        refusal::Refusal,
    },
};

/// Mistakes of containers that set IDs which are not allowed or can't be checked: the containers that are due an identity, and others
/// that mount its token anyway.
pub(crate) fn mistakes(
    governance: Option<&Governance>,
    settings: &Settings,
    containers: &Containers,
    identities: &Identities,
) -> Tally<Refusal> {
    let mut mistakes = Tally::default();
    let Some(governance) = governance else { return mistakes };
    let refusal = |mistake| Refusal::new(containers.pod.title, mistake);
    let mut named = |other: &Other| mistakes.extend(other.refused(governance).map(refusal));
    identities.own.iter().flatten().for_each(&mut named);
    identities.new_due.iter().filter_map(|name| identities.of_new(name)).for_each(|other| named(&other));
    let due = containers.due.iter().zip(identities.own);
    let due = due.map(|(held, other)| (held, identities.of(other.as_ref())));
    // What the fallback wrote is replaced by the identity's.
    let due = due.filter(|(held, identity)| identity.client_id.is_none() || held.of_fallback().is_none());
    let due = due.map(|(held, identity)| (held.container, identity));
    let audiences = audiences(settings);
    let holds = |container: &&&Container| {
        let home = &*containers.home.place.volume;
        let mut mounts = container.mounts.iter();
        mounts.any(|mount| mount.name == home || containers.volumes.carries(&mount.name, &audiences))
    };
    let others = containers.others.iter().filter(holds).map(|container| (*container, identities.pods));
    for (container, identity) in due.chain(others) {
        let ids = Ids::of(container);
        if let Err(found) = check_ids(governance, &ids, Base::of(identity)) {
            mistakes.add(|| refusal(found.mistake(governance, container)));
        }
    }
    mistakes
}

/// The audiences of an identity's tokens: Microsoft Entra, or the endpoint that exchanges the tokens.
pub(crate) fn audiences(settings: &Settings) -> Vec<&str> {
    let endpoint = settings.token_endpoint.as_ref().map(|endpoint| endpoint.audience.as_str());
    [Some(settings.audience.as_str()), endpoint].into_iter().flatten().collect()
}

/// The variables that set a container's IDs.
pub(crate) struct Ids<'e, 't> {
    client: Vec<&'e Env<'t>>,
    tenant: Vec<&'e Env<'t>>,
}

impl<'e, 't> Ids<'e, 't> {
    /// The ID variables of `container`. The API server allows two with the same name, and processes then see the last one. All of them are
    /// checked, because the container runtime decides.
    pub(crate) fn of(container: &'e Container<'t>) -> Self {
        let of = |name: &str| container.env.iter().filter(|env| env.is_called(name)).collect();
        Self { client: of(names::AZURE_CLIENT_ID), tenant: of(names::AZURE_TENANT_ID) }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.client.is_empty() && self.tenant.is_empty()
    }

    /// The client ID and the tenant, as far as they can be told.
    pub(crate) fn seen(&self) -> (Option<ClientId>, Option<TenantId>) {
        (literal(self.client.last()), literal(self.tenant.last()))
    }
}

fn literal<T: Accepts>(env: Option<&&Env>) -> Option<T> {
    env?.value()?.parse().ok()
}

/// The IDs that a container gets if it sets none itself.
#[derive(Clone, Copy)]
pub(crate) struct Base<'i> {
    /// The client ID.
    pub(crate) client: Half<'i, ClientId>,
    /// The tenant.
    pub(crate) tenant: Half<'i, TenantId>,
}

impl<'i> Base<'i> {
    /// Those of an identity.
    pub(crate) fn of(identity: &'i Identity) -> Self {
        Self { client: identity.client_id.as_ref().into(), tenant: Half::Is(&identity.tenant_id) }
    }
}

/// A variable whose id is not allowed.
pub(crate) struct Forbidden<'e, 't> {
    variable: &'static str,
    env: &'e Env<'t>,
    fault: Fault,
}

impl Forbidden<'_, '_> {
    /// The mistake of `container`.
    pub(crate) fn mistake(&self, governance: &Governance, container: &Container) -> Mistake {
        let value = match self.env.value() {
            Some(value) if value.parse::<ClientId>().is_ok() => OwnValue::Id(value.into()),
            Some(value) if self.variable == names::AZURE_TENANT_ID && value.parse::<TenantId>().is_ok() => {
                OwnValue::Domain
            }
            Some(_) => OwnValue::Other,
            None => OwnValue::Elsewhere,
        };
        Mistake::OwnIdNotAllowed {
            container: container.name.as_ref().into(),
            variable: self.variable,
            value,
            namespace: governance.namespace.into(),
            fault: self.fault,
        }
    }
}

/// Checks that all IDs that a container can end up with are allowed together: its own, and those from `base` for what it does not set.
///
/// # Errors
/// The first variable that holds an ID that is not allowed.
pub(crate) fn check_ids<'e, 't>(
    governance: &Governance,
    ids: &Ids<'e, 't>,
    base: Base,
) -> Result<(), Forbidden<'e, 't>> {
    if ids.is_empty() {
        return Ok(());
    }
    let certain = |(variable, env)| Forbidden { variable, env, fault: Fault::Template };
    let of_client = |env| (names::AZURE_CLIENT_ID, env);
    let of_tenant = |env| (names::AZURE_TENANT_ID, env);
    let clients = values::<ClientId>(&ids.client).map_err(|env| certain(of_client(env)))?;
    let tenants = values::<TenantId>(&ids.tenant).map_err(|env| certain(of_tenant(env)))?;
    // A runtime uses the last variable of each name, or the first. Each ID is checked anyway, paired with the last of the other name.
    let (Some(last_client), Some(last_tenant)) = (clients.last(), tenants.last()) else { return Ok(()) };
    let with_last_tenant = clients.iter().map(|client| (client, last_tenant));
    let with_last_client = tenants.iter().map(|tenant| (last_client, tenant));
    let firsts = clients.first().zip(tenants.first());
    for (client, tenant) in with_last_tenant.chain(with_last_client).chain(firsts) {
        let half_client = client.as_ref().map_or(base.client, |(_, id)| Half::Is(id));
        let half_tenant = tenant.as_ref().map_or(base.tenant, |(_, id)| Half::Is(id));
        let Err(part) = governance.allows(half_client, half_tenant) else { continue };
        let (variable, env) = match (client, tenant) {
            (Some((env, _)), None) => of_client(*env),
            (Some((env, _)), Some(_)) if part != IdentityPart::TenantId => of_client(*env),
            (_, Some((env, _))) => of_tenant(*env),
            (None, None) => continue,
        };
        // If no ServiceAccount could make these IDs allowed, the template is at fault.
        let own = governance.allows(
            client.as_ref().map_or(Half::Unknown, |(_, id)| Half::Is(id)),
            tenant.as_ref().map_or(Half::Unknown, |(_, id)| Half::Is(id)),
        );
        let fault = if own.is_err() { Fault::Template } else { Fault::Elsewhere };
        return Err(Forbidden { variable, env, fault });
    }
    Ok(())
}

/// The IDs in the variables. If there are none, a single `None`, for the ID that the container does not set itself.
///
/// # Errors
/// The first variable whose value comes from elsewhere or is not an ID, such as a reference to another variable.
fn values<'e, 't, T: Accepts>(
    variables: &[&'e Env<'t>],
) -> Result<Vec<Option<(&'e Env<'t>, T)>>, &'e Env<'t>> {
    let mut ids = Vec::new();
    for env in variables {
        let value = env.value().ok_or(*env)?;
        if !value.is_empty() {
            ids.push(Some((*env, value.parse().map_err(|_| *env)?)));
        }
    }
    if ids.is_empty() {
        ids.push(None);
    }
    Ok(ids)
}
