//! Builds the plan: what each container lacks, plus the volume and the proxy containers for the pod.

use crate::{
    decide::{
        container::{
            conflicts,
            containers::{Containers, DueContainer, MountState, Target, VolumeOwner, same},
        },
        fragments,
        identity::{container_annotation::Other, identities::Identities},
        plan::{
            Injection, NewContainer, Plan, Slot,
            variables::{Entries, Variables, differs},
        },
    },
    feature::proxy::{self, Sidecar},
    name_set::NameSet,
    object::container::ContainerList,
    settings::Settings,
    value::{names, port::ProxyPort, token::TokenExpiration},
    verdict::facts::OBJECT_MAX,
};

/// The plan for `containers`, which get `identities`.
///
/// # Errors
/// The pod would be larger than what can be stored.
pub(crate) fn plan(
    settings: &Settings,
    containers: &Containers,
    identities: &Identities,
    expiration: TokenExpiration,
    proxy: Option<ProxyPort>,
) -> Result<Plan, TooLarge> {
    let mut room = Room(OBJECT_MAX.saturating_sub(containers.pod.size));
    let variables = Variables::new(settings, containers.endpoint, containers.volumes.os);
    let entries = Entries::new(&variables, identities.pods, &containers.home.place);
    let mut injections = Vec::new();
    for (held, other) in containers.due.iter().zip(identities.own) {
        let Some(target) = &held.target else { continue };
        let identities = (identities, other.as_ref());
        let mut injection = injection(containers, &variables, identities, &entries, held, target);
        if let Some(first) = held.of_fallback() {
            let other = other.as_ref().map(|other| &other.identity);
            let identity = other.unwrap_or(identities.0.pods);
            for (index, name) in (first..).zip(names::FALLBACK_VARIABLES) {
                if differs(held.container, name, settings, identity, &target.place, containers.volumes.os) {
                    let entry = entries.of(&variables.place(name), other, &target.place);
                    injection.replaced.extend(entry.into_iter().map(|entry| (index, entry)));
                }
            }
        }
        room.take(injection.length())?;
        if !injection.is_empty() {
            injections.push(injection);
        }
    }
    let new = match proxy {
        Some(port) => proxy_containers(settings, containers, &variables, identities, &entries, port),
        None => Vec::new(),
    };
    let removed_volumes = removed_volumes(containers, &injections);
    let volume = volume(containers, !identities.new_due.is_empty(), expiration);
    for container in &new {
        room.take(container.json.len())?;
    }
    room.take(volume.as_ref().map_or(0, |(_, text)| text.len()))?;
    Ok(Plan { injections, containers: new, volume, removed_volumes })
}

/// How many bytes the pod can still grow before it is too large to be stored.
struct Room(usize);

/// The pod would be larger.
pub(crate) struct TooLarge;

/// What an entry takes beside its text: a comma, and a share of the field that holds it.
const AROUND: usize = 40;

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.0 = self.0.checked_sub(bytes + if bytes > 0 { AROUND } else { 0 }).ok_or(TooLarge)?;
        Ok(())
    }
}

fn injection<'s>(
    containers: &Containers,
    variables: &Variables<'s>,
    (identities, other): (&Identities, Option<&Other>),
    entries: &Entries<'_, 's>,
    held: &DueContainer,
    target: &Target,
) -> Injection {
    let container = held.container;
    let names = container.env.iter().map(|env| env.key.as_ref());
    let mut missing = variables.missing(names, identities.of(other));
    if !gets_endpoint(containers, target) {
        missing.retain(|place| !variables.is_of_endpoint(*place));
    }
    let mount = match target.mount {
        MountState::Right(_) => None,
        MountState::Wrong(index) => Some(Slot::Replace(index)),
        MountState::Missing => Some(Slot::Append),
    };
    Injection {
        list: container.list,
        index: container.index,
        env: entries.of(&missing, other.map(|other| &other.identity), &target.place),
        mount: mount.map(|slot| (slot, fragments::mount(&target.place))),
        removed_mounts: held.removed_mounts.clone(),
        replaced: Vec::new(),
    }
}

/// Whether the token at the target is for the custom token endpoint, if the pod asks for that.
fn gets_endpoint(containers: &Containers, target: &Target) -> bool {
    let layouts =
        containers.home.volume == VolumeOwner::Layout && target.place.volume == containers.home.place.volume;
    let tokens = containers.volumes.tokens(&target.place.volume);
    layouts || tokens.iter().any(|token| *token.audience == *containers.audience.as_str())
}

/// The proxy containers that the pod does not have yet.
fn proxy_containers(
    settings: &Settings,
    containers: &Containers,
    variables: &Variables,
    identities: &Identities,
    entries: &Entries,
    port: ProxyPort,
) -> Vec<NewContainer> {
    let list = match settings.proxy.sidecar() {
        Sidecar::Native => ContainerList::Init,
        Sidecar::Classic => ContainerList::Main,
    };
    let init = proxy::init_container(&settings.proxy);
    let sidecar = proxy::sidecar(&settings.proxy, port);
    let own = proxy::port_variable(port);
    let both = [
        (proxy::INIT_CONTAINER, ContainerList::Init, Slot::Append, init, Some(own)),
        (proxy::SIDECAR, list, Slot::First, sidecar, None),
    ];
    let home = &containers.home.place;
    both.into_iter()
        .filter(|(name, ..)| !containers.has(name))
        .map(|(name, list, slot, json, own_env)| {
            let due = identities.new_due.contains(&name);
            let other = identities.of_new(name);
            let own = own_env.is_some().then_some(proxy::PORT_VARIABLE);
            let missing = || variables.missing(own.into_iter(), identities.of(other.as_ref()));
            let identity = other.as_ref().map(|other| &other.identity);
            let given = if due { entries.of(&missing(), identity, home) } else { Vec::new() };
            let env: Vec<&str> =
                own_env.as_deref().into_iter().chain(given.iter().map(|entry| entry.as_str())).collect();
            let mount = if due { fragments::mount(home) } else { String::new() };
            NewContainer {
                list,
                slot,
                json: with_lists(json, [("env", &env.join(",")), ("volumeMounts", &mount)]),
            }
        })
        .collect()
}

/// A container, whose closing brace is still missing, with these lists where they have entries.
fn with_lists(mut container: String, lists: [(&str, &str); 2]) -> String {
    for (field, entries) in lists.into_iter().filter(|(_, entries)| !entries.is_empty()) {
        container.push_str(&[",\"", field, "\":[", entries, "]"].concat());
    }
    container.push('}');
    container
}

/// The layout's volume, if a container mounts it, or if no container has a token and all are skipped.
fn volume(containers: &Containers, new_due: bool, expiration: TokenExpiration) -> Option<(Slot, String)> {
    let home = &containers.home;
    let needed = new_due || containers.needs_home();
    let audience = containers.audience.as_str();
    let none_due = containers.due.is_empty() && !new_due;
    let for_this =
        |name: &str| containers.volumes.tokens(name).iter().any(|token| *token.audience == *audience);
    let has_token = || containers.pod.spec.volumes.iter().any(|volume| for_this(&volume.name));
    if home.volume == VolumeOwner::There {
        // The fallback's volume is brought up to date, every other one stays as it is.
        let place = &home.place;
        let (index, there) = containers.volumes.named(names::FALLBACK_VOLUME)?;
        let text = fragments::volume(place, containers.audience, expiration, None);
        let is_its = *place.volume == *names::FALLBACK_VOLUME && *place.token_path == *names::TOKEN_PATH;
        return (is_its && !same(there.raw, &text)).then_some((Slot::Replace(index), text));
    }
    let text = fragments::volume(&home.place, containers.audience, expiration, containers.endpoint);
    match containers.volumes.named(&home.place.volume) {
        Some((_, there)) if same(there.raw, &text) => None,
        // If no container needs the token volume, a volume of its name that a container uses stays as it is.
        Some((index, there)) => {
            let unused = || conflicts::user_of(containers.pod.spec, &there.name).is_none();
            (needed || (none_due && unused())).then_some((Slot::Replace(index), text))
        }
        None => (needed || (none_due && !has_token())).then_some((Slot::Append, text)),
    }
}

/// Indexes of the volumes whose last mount is removed.
fn removed_volumes(containers: &Containers, injections: &[Injection]) -> Vec<usize> {
    if injections.iter().all(|injection| injection.removed_mounts.is_empty()) {
        return Vec::new();
    }
    let spec = containers.pod.spec;
    let (mut going, mut staying) = (Vec::new(), Vec::new());
    // The injections are in the order of the containers.
    let mut injections = injections.iter().peekable();
    for container in spec.containers.iter().chain(&spec.ephemeral) {
        let of_this =
            |injection: &&Injection| (injection.list, injection.index) == (container.list, container.index);
        let removed_mounts =
            injections.next_if(of_this).map_or(&[][..], |injection| &injection.removed_mounts);
        for (index, mount) in container.mounts.iter().enumerate() {
            if removed_mounts.binary_search(&index).is_ok() {
                going.push(mount.name.as_ref());
            } else {
                staying.push(mount.name.as_ref());
            }
        }
        staying.extend(container.devices.iter().map(|device| device.name.as_ref()));
        staying.extend(container.env.iter().filter_map(|env| env.file_volume.as_deref()));
    }
    let (going, staying) = (NameSet::new(going.into_iter()), NameSet::new(staying.into_iter()));
    let volumes = containers.volumes.iter();
    let volumes =
        volumes.filter(|(_, volume)| going.contains(&volume.name) && !staying.contains(&volume.name));
    volumes.map(|(index, _)| index).collect()
}
