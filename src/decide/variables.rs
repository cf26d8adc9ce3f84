//! The environment variables of an identity, in the order in which they are written.

use crate::{
    decide::identity::Identity, feature::token_endpoint::TokenEndpoint, object::name_set::NameSet,
    settings::Settings, value::names,
};

/// The variables, by name and value; none of the values is empty, and each name is there once.
#[derive(Debug)]
pub(crate) struct Variables<'s> {
    all: Vec<(&'s str, String)>,
}

/// Most variables for which a container's names are gone through once: more than the identity and an endpoint have.
const FEW: usize = 12;

impl<'s> Variables<'s> {
    /// Those of `identity`, of the custom token endpoint where the pod asks for it, and of `extraEnv`.
    pub(crate) fn new(
        settings: &'s Settings,
        identity: &Identity,
        endpoint: Option<&'s TokenEndpoint>,
    ) -> Self {
        let client_id = identity.client_id.as_ref().map(ToString::to_string);
        let four = [
            (names::AZURE_CLIENT_ID, client_id.unwrap_or_default()),
            (names::AZURE_TENANT_ID, identity.tenant_id.to_string()),
            (names::AZURE_FEDERATED_TOKEN_FILE, settings.layout.token_file()),
            (names::AZURE_AUTHORITY_HOST, settings.authority_host.to_string()),
        ];
        let endpoint = endpoint.map(TokenEndpoint::variables).into_iter().flatten();
        let extra = settings.extra_env.iter().map(|extra| (extra.name.as_str(), extra.value.as_str()));
        let more = endpoint.chain(extra).map(|(name, value)| (name, value.to_owned()));
        let all: Vec<_> = four.into_iter().chain(more).filter(|(_, value)| !value.is_empty()).collect();
        Self { all }
    }

    /// Which of the variables a container with these names lacks: their places, in their order.
    pub(crate) fn missing<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<usize> {
        if self.all.len() > FEW {
            let present = NameSet::new(names);
            let places = self.all.iter().enumerate().filter(|(_, (name, _))| !present.contains(name));
            return places.map(|(place, _)| place).collect();
        }
        let mut missing: Vec<usize> = (0..self.all.len()).collect();
        for name in names {
            missing.retain(|place| self.all.get(*place).is_some_and(|(variable, _)| *variable != name));
        }
        missing
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'s str, &str)> {
        self.all.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Those of the identity itself.
    pub(crate) fn of_identity(&self) -> impl Iterator<Item = (&'static str, &str)> {
        names::IDENTITY_VARIABLES.into_iter().filter_map(|wanted| {
            self.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (wanted, value))
        })
    }
}
