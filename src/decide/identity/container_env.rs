//! The ids that a container brings itself, held to `allowedIdentities`: they win over the ServiceAccount's.

use crate::{
    decide::{
        container::containers::Containers,
        identity::{container_annotation::Other, service_account::Identity},
        plan::build::Identities,
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
        mistake::{Fault, IdentityPart, Mistake, OwnValue},
        refusal::Refusal,
    },
};

/// The containers that bring ids which are not allowed, or can't be seen: those that are due an identity, and those that are not and
/// mount its token all the same.
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
    let due = containers.due().zip(identities.own);
    let due = due.map(|(container, other)| (container, identities.of(other.as_ref())));
    let audiences = audiences(settings);
    let holds = |container: &&&Container| {
        let home = &*containers.home.place.volume;
        let mut mounts = container.mounts.iter();
        mounts.any(|mount| mount.name == home || containers.volumes.carries(&mount.name, &audiences))
    };
    let others = containers.others.iter().filter(holds).map(|container| (*container, identities.pods));
    for (container, identity) in due.chain(others) {
        let ids = Ids::of(container);
        if let Err(found) = check(governance, &ids, Base::of(identity)) {
            mistakes.add(|| refusal(found.mistake(governance, container)));
        }
    }
    mistakes
}

/// Whom the tokens of an identity are for: Microsoft Entra, or the endpoint that exchanges them.
pub(crate) fn audiences(settings: &Settings) -> Vec<&str> {
    let endpoint = settings.token_endpoint.as_ref().map(|endpoint| endpoint.audience.as_str());
    [Some(settings.audience.as_str()), endpoint].into_iter().flatten().collect()
}

/// The variables by which a container has ids.
pub(crate) struct Ids<'e, 't> {
    client: Vec<&'e Env<'t>>,
    tenant: Vec<&'e Env<'t>>,
}

impl<'e, 't> Ids<'e, 't> {
    /// Those of `container`. Of two of one name its processes see the last one, which the API server allows; all count, as that is the
    /// container runtime's decision.
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

/// The ids that a container has where it brings none.
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

/// Whether all ids that a container can have are allowed together: each of its own, and what it does not set from `base`.
///
/// # Errors
/// The first variable that holds one which is not.
pub(crate) fn check<'e, 't>(
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
    // A runtime takes the last of each name, or the first. Each id is asked for all the same, beside the last one of the other name.
    let (Some(last_client), Some(last_tenant)) = (clients.last(), tenants.last()) else { return Ok(()) };
    let pairs = clients.iter().map(|client| (client, last_tenant));
    let pairs = pairs.chain(tenants.iter().map(|tenant| (last_client, tenant)));
    let pairs = pairs.chain(clients.first().zip(tenants.first()));
    for (client, tenant) in pairs {
        let half_client = client.as_ref().map_or(base.client, |(_, id)| Half::Is(id));
        let half_tenant = tenant.as_ref().map_or(base.tenant, |(_, id)| Half::Is(id));
        let Err(part) = governance.allows(half_client, half_tenant) else { continue };
        let (variable, env) = match (client, tenant) {
            (Some((env, _)), None) => of_client(*env),
            (Some((env, _)), Some(_)) if part != IdentityPart::TenantId => of_client(*env),
            (_, Some((env, _))) => of_tenant(*env),
            (None, None) => continue,
        };
        // What no ServiceAccount would make right is certain.
        let own = governance.allows(
            client.as_ref().map_or(Half::Unknown, |(_, id)| Half::Is(id)),
            tenant.as_ref().map_or(Half::Unknown, |(_, id)| Half::Is(id)),
        );
        let fault = if own.is_err() { Fault::Template } else { Fault::Elsewhere };
        return Err(Forbidden { variable, env, fault });
    }
    Ok(())
}

/// The ids that the variables hold; where they hold none, one that is not the container's own.
///
/// # Errors
/// The first that comes from elsewhere, or is not an id: a reference to another variable, say.
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
