//! What each container of a pod that is due an identity lacks.

use crate::{
    decide::{
        fragments,
        mounts::{self, Equipped},
        plan::{Injection, NewContainer, Plan, Share, Slot},
        variables::Variables,
    },
    feature::{
        proxy::{self, ProxyPort, Sidecar},
        token_endpoint::TokenEndpoint,
    },
    json::{Json, Shape},
    object::{
        container::{Container, ContainerList},
        name_set::NameSet,
        pod::Candidate,
    },
    settings::Settings,
    value::token::{Audience, TokenExpiration},
    verdict::{
        notice::Notice,
        refusal::Refusal,
        warning::{About, Warning},
    },
};

/// Whether a container has what it needs already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Bare,
    Equipped,
}

/// The containers of a pod, and what is the same for all of them.
#[derive(Debug)]
pub(crate) struct Containers<'s, 't> {
    settings: &'s Settings,
    pod: Candidate<'s, 't>,
    /// The custom token endpoint, where the pod asks for it.
    pub(crate) endpoint: Option<&'s TokenEndpoint>,
    audience: &'s Audience,
    reserved: String,
    /// The names in `skip-containers`.
    pub(crate) skipped: NameSet<'s>,
    due: Vec<(&'s Container<'t>, State)>,
}

impl<'s, 't> Containers<'s, 't> {
    /// The containers of `pod`.
    pub(crate) fn read(settings: &'s Settings, pod: Candidate<'s, 't>) -> Self {
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

    /// The containers that can't have their mount.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = Refusal> {
        self.bare().filter_map(|container| {
            mounts::conflict(self.settings.layout, self.pod.title, container, &self.reserved)
        })
    }

    /// The variables of the identity that a container sets to another value.
    pub(crate) fn own_values(&self, variables: &Variables) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for container in self.bare() {
            for (variable, value) in variables.of_identity() {
                let own = container.variable(variable).and_then(|env| env.value());
                if own.is_some_and(|own| own != value) {
                    let name = container.name.clone().into_owned();
                    let about = About::Container(self.pod.title.clone(), name);
                    warnings.push(Warning { about, notice: Notice::OwnValue { variable } });
                }
            }
        }
        warnings
    }

    /// What is written: to each container the variables that it lacks and the mount, to the pod the volume and the proxy.
    pub(crate) fn plan(
        &self,
        variables: &Variables,
        expiration: TokenExpiration,
        proxy: Option<ProxyPort>,
    ) -> Plan {
        let mount = fragments::mount(&self.reserved, self.settings.layout);
        let injections = self
            .due
            .iter()
            .map(|(container, state)| inject(container, *state, variables, &self.reserved, &mount));
        let containers = proxy.map(|port| self.proxy(port)).unwrap_or_default();
        let mut new = containers.iter().map(|container| container.share);
        let new_due = new.any(|share| share == Share::Identity);
        let any_due = !self.due.is_empty() || new_due;
        let any_bare = self.bare().next().is_some() || new_due;
        let has_token =
            || self.pod.spec.volumes.iter().any(|volume| volume.projects_token(Some(self.audience.as_str())));
        let volume =
            fragments::volume(&self.reserved, self.settings.layout, self.audience, expiration, self.endpoint);
        let slot = self.volume_slot(&volume, any_bare || (!any_due && !has_token()));
        Plan {
            injections: injections
                .filter(|injection| !injection.env.is_empty() || injection.mount.is_some())
                .collect(),
            env: variables.iter().map(|(name, value)| fragments::variable(name, value)).collect(),
            mount,
            containers,
            volume: slot.map(|slot| (slot, volume)),
        }
    }

    /// The proxy's containers, each only where none of its name is there.
    fn proxy(&self, port: ProxyPort) -> Vec<NewContainer> {
        let there = |name: &str| self.pod.spec.containers.iter().any(|container| container.name == name);
        let share = |name: &str| if self.skipped.contains(name) { Share::Nothing } else { Share::Identity };
        let settings = &self.settings.proxy;
        let list = match settings.sidecar() {
            Sidecar::Native => ContainerList::Init,
            Sidecar::Classic => ContainerList::Main,
        };
        let mut containers = Vec::new();
        if !there(proxy::INIT_CONTAINER) {
            containers.push(NewContainer {
                list: ContainerList::Init,
                slot: Slot::Append,
                json: proxy::init_container(settings, port),
                share: share(proxy::INIT_CONTAINER),
            });
        }
        if !there(proxy::SIDECAR) {
            containers.push(NewContainer {
                list,
                slot: Slot::First,
                json: proxy::sidecar(settings, port),
                share: share(proxy::SIDECAR),
            });
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
    variables: &Variables,
    reserved: &str,
    mount: &str,
) -> Injection {
    let bare = state == State::Bare;
    let env =
        if bare { variables.missing(container.env.iter().map(|env| env.name.as_ref())) } else { Vec::new() };
    let mount = match container.mounts.iter().enumerate().find(|(_, own)| own.name == reserved) {
        Some((_, own)) if same(own.raw, mount) => None,
        Some((index, _)) => Some(Slot::Replace(index)),
        None => bare.then_some(Slot::Append),
    };
    Injection { list: container.list, index: container.index, env, mount }
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
