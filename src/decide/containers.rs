//! What each container of a pod that is due an identity lacks.

use crate::{
    decide::{
        fragments,
        identity::Identity,
        mounts::{self, Equipped},
        plan::{Injection, NewContainer, Plan, Slot},
        warnings,
    },
    feature::{
        proxy::{self, ProxyPort, Sidecar},
        token_endpoint::TokenEndpoint,
    },
    json::{Json, Shape},
    object::{
        annotations::Names,
        pod::{Candidate, Container, ContainerList},
    },
    settings::Settings,
    value::{names, token::Audience},
    verdict::{Refusal, Warning},
};

/// Whether a container has what it needs already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Bare,
    Equipped,
}

/// What is the same for all containers of one pod.
pub(crate) struct Injector<'s, 't> {
    settings: &'s Settings,
    pod: Candidate<'s, 't>,
    /// The custom token endpoint, where the pod asks for it.
    endpoint: Option<&'s TokenEndpoint>,
    audience: &'s Audience,
    reserved: String,
    pub(crate) skipped: Names<'s>,
    due: Vec<(&'s Container<'t>, State)>,
}

impl<'s, 't> Injector<'s, 't> {
    pub(crate) fn new(settings: &'s Settings, pod: Candidate<'s, 't>) -> Self {
        let endpoint = settings.token_endpoint.as_ref().filter(|endpoint| endpoint.is_wanted(pod));
        let audience = endpoint.map_or(&settings.audience, |endpoint| &endpoint.audience);
        let reserved = settings.layout.volume_name(&pod.metadata.name);
        let skipped = pod.metadata.annotations.skipped_containers();
        let token_file = settings.layout.token_file();
        let equipped = Equipped { pod, audience, reserved: &reserved, token_file: &token_file };
        let due = pod.spec.containers.iter().filter(|container| !skipped.contains(&container.name));
        let state = |container| if equipped.has(container) { State::Equipped } else { State::Bare };
        let due = due.map(|container| (container, state(container))).collect();
        Self { settings, pod, endpoint, audience, reserved, skipped, due }
    }

    fn bare(&self) -> impl Iterator<Item = &'s Container<'t>> {
        self.due.iter().filter(|(_, state)| *state == State::Bare).map(|(container, _)| *container)
    }

    /// The containers that are due an identity.
    pub(crate) fn due(&self) -> impl Iterator<Item = &'s Container<'t>> {
        self.due.iter().map(|(container, _)| *container)
    }

    pub(crate) fn conflicts(&self) -> impl Iterator<Item = Refusal> {
        self.bare().filter_map(|container| {
            mounts::conflict(self.settings.layout, self.pod.title, container, &self.reserved)
        })
    }

    pub(crate) fn plan(
        &self,
        identity: &Identity,
        proxy: Option<ProxyPort>,
        warnings: &mut Vec<Warning>,
    ) -> Plan {
        let client_id = identity.client_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let (tenant_id, host) = (identity.tenant_id.to_string(), self.settings.authority_host.to_string());
        let token_file = self.settings.layout.token_file();
        let four = [
            (names::AZURE_CLIENT_ID, client_id.as_str()),
            (names::AZURE_TENANT_ID, tenant_id.as_str()),
            (names::AZURE_FEDERATED_TOKEN_FILE, token_file.as_str()),
            (names::AZURE_AUTHORITY_HOST, host.as_str()),
        ];
        warnings.extend(self.bare().flat_map(|container| warnings::of_own_values(container, &four)));
        let endpoint = self.endpoint.map(TokenEndpoint::variables).into_iter().flatten();
        let extra = self.settings.extra_env.iter().map(|extra| (extra.name.as_str(), extra.value.as_str()));
        let env: Vec<(&str, &str)> =
            four.into_iter().chain(endpoint).chain(extra).filter(|(_, value)| !value.is_empty()).collect();
        let mount = fragments::mount(&self.reserved, self.settings.layout);
        let injections =
            self.due.iter().map(|(container, state)| inject(container, *state, &env, &self.reserved, &mount));
        let containers = proxy.map(|port| self.proxy(port)).unwrap_or_default();
        let any_due = !self.due.is_empty() || containers.iter().any(|container| container.identity);
        let any_bare = self.bare().next().is_some() || containers.iter().any(|container| container.identity);
        let has_token =
            || self.pod.spec.volumes.iter().any(|volume| volume.projects_token(Some(self.audience.as_str())));
        let volume = fragments::volume(
            &self.reserved,
            self.settings.layout,
            self.audience,
            identity.expiration,
            self.endpoint,
        );
        let slot = self.volume_slot(&volume, any_bare || (!any_due && !has_token()));
        Plan {
            injections: injections
                .filter(|injection| !injection.env.is_empty() || injection.mount.is_some())
                .collect(),
            env: env.into_iter().map(|(name, value)| fragments::variable(name, value)).collect(),
            mount,
            containers,
            volume: slot.map(|slot| (slot, volume)),
        }
    }

    /// The proxy's containers, each only where none of its name is there.
    fn proxy(&self, port: ProxyPort) -> Vec<NewContainer> {
        let there = |name: &str| self.pod.spec.containers.iter().any(|container| container.name == name);
        let new = |name, list, slot, json| NewContainer {
            list,
            slot,
            json,
            identity: !self.skipped.contains(name),
        };
        let settings = &self.settings.proxy;
        let list = match settings.sidecar() {
            Sidecar::Native => ContainerList::Init,
            Sidecar::Classic => ContainerList::Main,
        };
        let mut containers = Vec::new();
        if !there(proxy::INIT_CONTAINER) {
            let json = proxy::init_container(settings, port);
            containers.push(new(proxy::INIT_CONTAINER, ContainerList::Init, Slot::Append, json));
        }
        if !there(proxy::SIDECAR) {
            containers.push(new(proxy::SIDECAR, list, Slot::First, proxy::sidecar(settings, port)));
        }
        containers
    }

    fn volume_slot(&self, volume: &str, wanted: bool) -> Option<Slot> {
        let own = self.pod.spec.volumes.iter().enumerate().find(|(_, own)| own.name == self.reserved);
        match own {
            Some((_, own)) if same(own.raw, volume) => None,
            Some((index, _)) => Some(Slot::Replace(index)),
            None => wanted.then_some(Slot::Append),
        }
    }
}

/// What one container lacks. An equipped one is left alone, but for a mount under the reserved name.
fn inject(
    container: &Container,
    state: State,
    env: &[(&str, &str)],
    reserved: &str,
    mount: &str,
) -> Injection {
    // A handful of variables is searched for in the list; of many, which only `extraEnv` can bring, a set is made.
    let bare = state == State::Bare;
    let present =
        (bare && env.len() > 8).then(|| Names::new(container.env.iter().map(|env| env.name.as_ref())));
    let has = |name: &str| match &present {
        Some(present) => present.contains(name),
        None => container.variable(name).is_some(),
    };
    let missing = env.iter().enumerate().filter(|(_, (name, _))| bare && !has(name)).map(|(index, _)| index);
    let mount = match container.mounts.iter().enumerate().find(|(_, own)| own.name == reserved) {
        Some((_, own)) if same(own.raw, mount) => None,
        Some((index, _)) => Some(Slot::Replace(index)),
        None => bare.then_some(Slot::Append),
    };
    Injection { list: container.list, index: container.index, env: missing.collect(), mount }
}

/// Whether what stands there says the same already, but for the mode that the API server fills in (0644, decimal 420).
fn same(there: &str, wanted: &str) -> bool {
    let (Ok(mut there), Ok(wanted)) = (Json::parse(there, &Shape::Whole), Json::parse(wanted, &Shape::Whole))
    else {
        return false;
    };
    if let Some(Json::Object(fields)) = there.field_mut("projected") {
        fields.retain(|(name, json)| name != "defaultMode" || *json != Json::Raw("420".into()));
    }
    there.is_same(&wanted)
}
