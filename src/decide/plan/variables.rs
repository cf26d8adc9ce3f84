//! The environment variables of an identity, in the order in which they are written.

use std::{borrow::Cow, rc::Rc};

use crate::{
    decide::{container::paths, fragments, identity::service_account::Identity},
    feature::token_endpoint::TokenEndpoint,
    name_set::NameSet,
    object::{
        container::{Container, Env, Names},
        pod::Os,
    },
    settings::Settings,
    value::{identity::ClientId, layout::Place, names},
};

/// The variables by name, the same for all containers; each name is there once.
#[derive(Debug)]
pub(crate) struct Variables<'s> {
    all: Vec<(&'s str, Value<'s>)>,
    names: Names,
}

/// What a variable is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'s> {
    /// The client ID of the container's identity; not set where there is none.
    ClientId,
    /// The tenant of the container's identity.
    TenantId,
    /// Where the container finds the token.
    TokenFile,
    /// Where it finds the certificates of the custom token endpoint.
    CaFile,
    /// A value of the custom token endpoint. It is set only where the token is for that endpoint.
    Endpoint(&'s str),
    /// The same in every container.
    Text(&'s str),
}

/// Up to this many variables, a container's names are compared one by one. An identity and an endpoint have fewer.
const FEW: usize = 12;

impl<'s> Variables<'s> {
    /// The variables of an identity, of the custom token endpoint if the pod asks for it, and of `extraEnv`. Of two with the same name,
    /// the first one counts.
    pub(crate) fn new(settings: &'s Settings, endpoint: Option<&'s TokenEndpoint>, os: Os) -> Self {
        let four = [
            (names::AZURE_CLIENT_ID, Value::ClientId),
            (names::AZURE_TENANT_ID, Value::TenantId),
            (names::AZURE_FEDERATED_TOKEN_FILE, Value::TokenFile),
            (names::AZURE_AUTHORITY_HOST, Value::Text(settings.authority_host.as_str())),
        ];
        let [token_proxy, sni_name, ca_file, ca_data] = names::TOKEN_ENDPOINT_VARIABLES;
        let of_endpoint = endpoint.into_iter().flat_map(|endpoint| {
            [
                (token_proxy, Value::Endpoint(endpoint.token_proxy())),
                (sni_name, Value::Endpoint(endpoint.sni_name())),
                (ca_file, Value::CaFile),
                (ca_data, Value::Endpoint(endpoint.ca_data())),
            ]
        });
        let names = os.names();
        let mut all: Vec<(&str, Value)> = four.into_iter().chain(of_endpoint).collect();
        let taken: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let extra =
            settings.extra_env.iter().map(|extra| (extra.name.as_str(), Value::Text(extra.value.as_str())));
        all.extend(extra.filter(|(name, _)| !taken.contains(&&*names.key(Cow::Borrowed(name)))));
        all.retain(|(_, value)| !matches!(value, Value::Text("") | Value::Endpoint("")));
        Self { all, names }
    }

    /// The indexes, in order, of the variables that a container with `identity` lacks. `names` are those it has, by [`Names::key`].
    pub(crate) fn missing<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        identity: &Identity,
    ) -> Vec<usize> {
        let is_set = |place: &usize| match self.all.get(*place) {
            Some((_, Value::ClientId)) => identity.client_id.is_some(),
            other => other.is_some(),
        };
        let mut missing: Vec<usize> = (0..self.all.len()).filter(is_set).collect();
        if self.all.len() > FEW {
            let present = NameSet::new(names);
            missing.retain(|place| self.key(*place).is_some_and(|key| !present.contains(&key)));
        } else {
            for name in names {
                missing.retain(|place| self.key(*place).is_some_and(|key| *key != *name));
            }
        }
        missing
    }

    /// The place of the variable `name`, where it is one of them.
    pub(crate) fn place(&self, name: &str) -> Vec<usize> {
        self.all.iter().position(|(one, _)| *one == name).into_iter().collect()
    }

    /// The name of the variable at `place`, as the pod's system compares it.
    fn key(&self, place: usize) -> Option<Cow<'s, str>> {
        self.all.get(place).map(|(name, _)| self.names.key(Cow::Borrowed(*name)))
    }

    /// Whether the variable at `place` is of the custom token endpoint.
    pub(crate) fn is_of_endpoint(&self, place: usize) -> bool {
        matches!(self.all.get(place), Some((_, Value::Endpoint(_) | Value::CaFile)))
    }
}

/// What a variable is set to, for a container with this identity and its token at `place`.
fn text<'v>(value: Value<'v>, identity: &'v Identity, place: &Place) -> Cow<'v, str> {
    match value {
        Value::ClientId => identity.client_id.as_ref().map(ClientId::as_str).unwrap_or_default().into(),
        Value::TenantId => identity.tenant_id.as_str().into(),
        Value::TokenFile => place.token_file().into(),
        Value::CaFile => format!("{}/{}", place.mount_path, names::CA_PATH).into(),
        Value::Endpoint(text) | Value::Text(text) => text.into(),
    }
}

/// The variables as entries of `env`: those for the identity and the place that most containers have are written once.
#[derive(Debug)]
pub(crate) struct Entries<'v, 's> {
    variables: &'v Variables<'s>,
    home: &'v Place,
    texts: Vec<Rc<String>>,
}

impl<'v, 's> Entries<'v, 's> {
    /// The entries for `identity` at `home`.
    pub(crate) fn new(variables: &'v Variables<'s>, identity: &Identity, home: &'v Place) -> Self {
        let entry = |(name, value): &(&str, Value)| fragments::variable(name, &text(*value, identity, home));
        let texts = variables.all.iter().map(|variable| entry(variable).into()).collect();
        Self { variables, home, texts }
    }

    /// The entries of these variables, for a container that has the token at `place`; `other` is its identity if it differs from that of most
    /// containers.
    pub(crate) fn of(&self, variables: &[usize], other: Option<&Identity>, place: &Place) -> Vec<Rc<String>> {
        let elsewhere = place != self.home;
        let entry = |index: &usize| {
            let shared = || self.texts.get(*index).map(Rc::clone);
            let (name, value) = self.variables.all.get(*index)?;
            match (value, other) {
                (Value::ClientId | Value::TenantId, Some(other)) => {
                    Some(fragments::variable(name, &text(*value, other, place)).into())
                }
                (Value::TokenFile, _) if elsewhere => {
                    Some(fragments::variable(name, &place.token_file()).into())
                }
                (Value::CaFile, _) if elsewhere => {
                    let file = format!("{}/{}", place.mount_path, names::CA_PATH);
                    Some(fragments::variable(name, &file).into())
                }
                _ => shared(),
            }
        };
        variables.iter().filter_map(entry).collect()
    }
}

/// Whether the container has a literal value of its own for a variable, and it differs from the identity's. A token file at another path
/// differs. A path that only the container's processes know does not.
pub(crate) fn differs(
    container: &Container,
    variable: &str,
    settings: &Settings,
    identity: &Identity,
    place: &Place,
    os: Os,
) -> bool {
    let Some(own) = container.variable(variable).and_then(Env::value) else { return false };
    let is_same = match variable {
        names::AZURE_CLIENT_ID => {
            identity.client_id.as_ref().is_none_or(|id| own.eq_ignore_ascii_case(id.as_str()))
        }
        names::AZURE_TENANT_ID => own.eq_ignore_ascii_case(identity.tenant_id.as_str()),
        // Comparing paths copies both, so a token path that is much longer than the container's value is not compared.
        names::AZURE_FEDERATED_TOKEN_FILE => {
            let length = place.mount_path.len() + place.token_path.len();
            length <= own.len() * 2 + 64 && paths::is_same_path(&own, &place.token_file(), os)
        }
        _ => is_same_host(&own, settings.authority_host.as_str()),
    };
    !is_same
}

/// Compares hosts without regard to case and to a trailing slash.
fn is_same_host(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}
