//! The environment variables of an identity, in the order in which they are written.

use crate::{
    decide::{fragments, identity::Identity},
    feature::token_endpoint::TokenEndpoint,
    settings::Settings,
    value::{layout::Place, name_set::NameSet, names},
};

/// The variables by name; each name is there once, and none has an empty value.
#[derive(Debug)]
pub(crate) struct Variables<'s> {
    all: Vec<(&'s str, Value<'s>)>,
}

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value<'s> {
    /// The same in every container.
    Text(String),
    /// Where the container finds the token.
    TokenFile,
    /// One of the custom token endpoint, which only tokens for it go to.
    Endpoint(&'s TokenEndpoint),
}

/// Most variables for which a container's names are gone through once: more than the identity and an endpoint have.
const FEW: usize = 12;

impl<'s> Variables<'s> {
    /// Those of `identity`, of the custom token endpoint where the pod asks for it, and of `extraEnv`; of two of one name the
    /// first counts.
    pub(crate) fn new(
        settings: &'s Settings,
        identity: &Identity,
        endpoint: Option<&'s TokenEndpoint>,
    ) -> Self {
        let client_id = identity.client_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let four = [
            (names::AZURE_CLIENT_ID, Value::Text(client_id)),
            (names::AZURE_TENANT_ID, Value::Text(identity.tenant_id.to_string())),
            (names::AZURE_FEDERATED_TOKEN_FILE, Value::TokenFile),
            (names::AZURE_AUTHORITY_HOST, Value::Text(settings.authority_host.to_string())),
        ];
        let of_endpoint = endpoint.into_iter().flat_map(|endpoint| {
            let variables = endpoint.variables("").into_iter().filter(|(_, value)| !value.is_empty());
            variables.map(move |(name, _)| (name, Value::Endpoint(endpoint)))
        });
        let extra =
            settings.extra_env.iter().map(|extra| (extra.name.as_str(), Value::Text(extra.value.clone())));
        let mut all: Vec<(&str, Value)> = four.into_iter().chain(of_endpoint).collect();
        let taken: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        all.extend(extra.filter(|(name, _)| !taken.contains(name)));
        all.retain(|(_, value)| *value != Value::Text(String::new()));
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

    /// Whether the variable at `place` is of the custom token endpoint.
    pub(crate) fn is_of_endpoint(&self, place: usize) -> bool {
        matches!(self.all.get(place), Some((_, Value::Endpoint(_))))
    }

    /// Those of the identity itself, for a token at `place`.
    pub(crate) fn of_identity(&self, place: &Place) -> Vec<(&'static str, String)> {
        let wanted = names::IDENTITY_VARIABLES.into_iter();
        wanted
            .filter_map(|wanted| {
                let (_, value) = self.all.iter().find(|(name, _)| *name == wanted)?;
                Some((wanted, text(wanted, value, place)))
            })
            .collect()
    }
}

/// What the variable `name` is set to where the token is at `place`.
fn text(name: &str, value: &Value, place: &Place) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::TokenFile => place.token_file(),
        Value::Endpoint(endpoint) => {
            let variables = endpoint.variables(&place.mount_path);
            variables
                .into_iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
                .unwrap_or_default()
        }
    }
}

/// The entries of a plan's `env`: those for the place where most containers have the token, and more for each other place.
#[derive(Debug)]
pub(crate) struct Entries<'v, 's> {
    variables: &'v Variables<'s>,
    home: &'v Place,
    texts: Vec<String>,
}

impl<'v, 's> Entries<'v, 's> {
    /// The entries for `home`.
    pub(crate) fn new(variables: &'v Variables<'s>, home: &'v Place) -> Self {
        let texts = variables.all.iter();
        let texts = texts.map(|(name, value)| fragments::variable(name, &text(name, value, home))).collect();
        Self { variables, home, texts }
    }

    /// The entries of the variables at these places, for a container that has the token at `place`.
    pub(crate) fn of(&mut self, mut variables: Vec<usize>, place: &Place) -> Vec<usize> {
        if place == self.home {
            return variables;
        }
        for index in &mut variables {
            let Some((name, value)) = self.variables.all.get(*index) else { continue };
            if !matches!(value, Value::Text(_)) {
                *index = self.texts.len();
                self.texts.push(fragments::variable(name, &text(name, value, place)));
            }
        }
        variables
    }

    /// The entries of other variables than those that most containers get, at these places of theirs.
    pub(crate) fn others(
        &mut self,
        variables: &Variables<'s>,
        mut places: Vec<usize>,
        place: &Place,
    ) -> Vec<usize> {
        for index in &mut places {
            let Some((name, value)) = variables.all.get(*index) else { continue };
            *index = self.texts.len();
            self.texts.push(fragments::variable(name, &text(name, value, place)));
        }
        places
    }

    /// All of them.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.texts
    }
}
