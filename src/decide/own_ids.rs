//! The ids that a container brings itself, held to `allowedIdentities`: they win over the ServiceAccount's.

use crate::{
    decide::{containers::Containers, identity::Identity},
    feature::allowed_identities::{self, AllowedIdentity},
    object::container::{Container, Env},
    settings::Settings,
    value::{
        identity::{ClientId, TenantId},
        names,
        parse::Accepts,
    },
    verdict::{
        mistake::{IdentityPart, Mistake, OwnValue},
        refusal::Refusal,
    },
};

/// The containers that bring ids which are not allowed, or can't be seen.
///
/// `own` is the identity of each, where it has another than `identity`.
pub(crate) fn mistakes(
    settings: &Settings,
    containers: &Containers,
    identity: &Identity,
    own: &[Option<Identity>],
) -> Vec<Refusal> {
    let Some(allowed) = &settings.allowed_identities else { return Vec::new() };
    let pod = containers.pod;
    let mistakes = containers.due().zip(own).flat_map(|(container, own)| {
        let of_annotation = own.as_ref().and_then(|own| {
            allowed_identities::check(allowed, pod.namespace, own.client_id.as_ref(), &own.tenant_id)
        });
        let ids = Ids::of(container, None);
        let brought = check(allowed, pod.namespace, container, &ids, Some(own.as_ref().unwrap_or(identity)));
        of_annotation.into_iter().chain(brought)
    });
    mistakes.map(|mistake| Refusal::new(pod.title, mistake)).collect()
}

/// The variables by which a container has ids.
pub(crate) struct Ids<'e, 't> {
    client: Vec<&'e Env<'t>>,
    tenant: Vec<&'e Env<'t>>,
}

impl<'e, 't> Ids<'e, 't> {
    /// Those of `container`, or else those that it gets from `donor`. Of two of one name the container sees the last one, which the
    /// API server allows, so all count.
    pub(crate) fn of(container: &'e Container<'t>, donor: Option<&'e Container<'t>>) -> Self {
        let of = |name: &str| {
            let own = |container: &'e Container<'t>| -> Vec<&'e Env<'t>> {
                container.env.iter().filter(|env| env.name == name).collect()
            };
            let found = own(container);
            if found.is_empty() { donor.map(own).unwrap_or_default() } else { found }
        };
        Self { client: of(names::AZURE_CLIENT_ID), tenant: of(names::AZURE_TENANT_ID) }
    }

    /// The client id and the tenant, as far as they can be told.
    pub(crate) fn seen(&self) -> (Option<ClientId>, Option<TenantId>) {
        (literal(self.client.last()), literal(self.tenant.last()))
    }
}

fn literal<T: Accepts>(env: Option<&&Env>) -> Option<T> {
    env?.value()?.parse().ok()
}

/// The first of a container's ids that `allowed` does not have in `namespace`. What it does not set is `identity`'s.
pub(crate) fn check(
    allowed: &[AllowedIdentity],
    namespace: &str,
    container: &Container,
    ids: &Ids,
    identity: Option<&Identity>,
) -> Option<Mistake> {
    if ids.client.is_empty() && ids.tenant.is_empty() {
        return None;
    }
    let (variable, env) = forbidden(allowed, namespace, ids, identity)?;
    let value = match env.value() {
        // A tenant's parser takes every client id too.
        Some(value) if value.parse::<TenantId>().is_ok() => OwnValue::Id(value.into()),
        Some(_) => OwnValue::Other,
        None => OwnValue::Elsewhere,
    };
    Some(Mistake::OwnIdNotAllowed {
        container: container.name.as_ref().into(),
        variable,
        value,
        namespace: namespace.into(),
    })
}

/// The variable that holds an id which is not allowed.
fn forbidden<'i, 't>(
    allowed: &[AllowedIdentity],
    namespace: &str,
    ids: &'i Ids<'_, 't>,
    identity: Option<&Identity>,
) -> Option<(&'static str, &'i Env<'t>)> {
    let of_client = |env| (names::AZURE_CLIENT_ID, env);
    let of_tenant = |env| (names::AZURE_TENANT_ID, env);
    let (clients, tenants) = match (values::<ClientId>(&ids.client), values::<TenantId>(&ids.tenant)) {
        (Ok(clients), Ok(tenants)) => (clients, tenants),
        (Err(env), _) => return Some(of_client(env)),
        (_, Err(env)) => return Some(of_tenant(env)),
    };
    for client in &clients {
        let client_id = client.as_ref().map(|(_, id)| id).or_else(|| identity?.client_id.as_ref());
        for tenant in &tenants {
            let tenant_id = tenant.as_ref().map(|(_, id)| id).or_else(|| identity.map(|all| &all.tenant_id));
            let Err(part) = allowed_identities::allows(allowed, namespace, client_id, tenant_id) else {
                continue;
            };
            match (client, tenant) {
                (Some((env, _)), None) => return Some(of_client(env)),
                (Some((env, _)), Some(_)) if part != IdentityPart::TenantId => return Some(of_client(env)),
                (_, Some((env, _))) => return Some(of_tenant(env)),
                (None, None) => {}
            }
        }
    }
    None
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
