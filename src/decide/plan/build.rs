//! Builds the plan: what each container lacks, plus the volume and the proxy containers for the pod.

use crate::{
    decide::{
        container::{
            conflicts,
            containers::{Containers, DueContainer, MountState, Target, VolumeOwner, same},
            evidence::{State, TokenFile},
        },
        fragments,
        identity::{
            container_annotation::{ContainerIdentities, Other},
            service_account::Identity,
        },
        plan::{
            Injection, NewContainer, Plan, Slot,
            variables::{Entries, Variables, differs},
        },
    },
    feature::proxy::{self, Sidecar},
    name_set::NameSet,
    object::container::{Container, ContainerList, Env},
    settings::Settings,
    value::{names, port::ProxyPort, token::TokenExpiration},
    verdict::{
        mistake::OBJECT_MAX,
        notice::Notice,
        warning::{About, Warning, Warnings},
    },
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
    let mut entries = Entries::new(&variables, identities.pods, &containers.home.place);
    let mut injections = Vec::new();
    for (held, other) in containers.due.iter().zip(identities.own) {
        let Some(target) = &held.target else { continue };
        let injection =
            injection(containers, &variables, (identities, other.as_ref()), &mut entries, held, target);
        room.take(
            entries.length(&injection.env) + injection.mount.as_ref().map_or(0, |(_, text)| text.len()),
        )?;
        if !injection.is_empty() {
            injections.push(injection);
        }
    }
    let new = match proxy {
        Some(port) => proxy_containers(settings, containers, &variables, identities, &mut entries, port),
        None => Vec::new(),
    };
    let removed_mounts = removed_volumes(containers, &injections);
    let volume = volume(containers, &new, expiration);
    for container in &new {
        let mount = container.mount.as_ref().map_or(0, String::len);
        room.take(container.json.len() + entries.length(&container.env) + mount)?;
    }
    room.take(volume.as_ref().map_or(0, |(_, text)| text.len()))?;
    Ok(Plan { env: entries.into_texts(), injections, containers: new, volume, removed_mounts })
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

/// Who the containers are.
#[derive(Debug)]
pub(crate) struct Identities<'i, 's> {
    /// The pod's identity, which most containers get.
    pub(crate) pods: &'i Identity,
    /// For each container that is due an identity: its own identity, if that differs from the pod's.
    pub(crate) own: &'i [Option<Other<'s>>],
    /// The identities that the pod gives to containers by name.
    pub(crate) named: &'i ContainerIdentities<'s>,
    /// The containers that the pod gets and that are due an identity.
    pub(crate) new_due: &'i [&'static str],
}

impl<'s> Identities<'_, 's> {
    /// The identity of a container: `other` if it has one, otherwise the pod's.
    pub(crate) fn of<'a>(&'a self, other: Option<&'a Other>) -> &'a Identity {
        other.map_or(self.pods, |other| &other.identity)
    }

    /// The identity that the pod gives by name to a container that is added, if any.
    pub(crate) fn of_new(&self, name: &str) -> Option<Other<'s>> {
        self.named.of(name, self.pods)
    }
}

fn injection<'s>(
    containers: &Containers,
    variables: &Variables<'s>,
    (identities, other): (&Identities, Option<&Other>),
    entries: &mut Entries<'_, 's>,
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
        env: entries.of(missing, other.map(|other| &other.identity), &target.place),
        mount: mount.map(|slot| (slot, fragments::mount(&target.place))),
        removed_mounts: held.removed_mounts.clone(),
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
    entries: &mut Entries,
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
            let other = other.as_ref();
            let own = own_env.is_some().then_some(proxy::PORT_VARIABLE);
            let missing = || variables.missing(own.into_iter(), identities.of(other));
            let identity = other.map(|other| &other.identity);
            let env = if due { entries.of(missing(), identity, home) } else { Vec::new() };
            let mount = due.then(|| fragments::mount(home));
            NewContainer { list, slot, json, own_env, env, mount }
        })
        .collect()
}

/// The layout's volume, if a container mounts it, or if no container has a token and all are skipped.
fn volume(
    containers: &Containers,
    new: &[NewContainer],
    expiration: TokenExpiration,
) -> Option<(Slot, String)> {
    let home = &containers.home;
    let new_due = new.iter().any(|container| container.mount.is_some());
    let needed = new_due || containers.needs_home();
    let audience = containers.audience.as_str();
    let none_due = containers.due.is_empty() && !new_due;
    let for_this =
        |name: &str| containers.volumes.tokens(name).iter().any(|token| *token.audience == *audience);
    let has_token = || containers.pod.spec.volumes.iter().any(|volume| for_this(&volume.name));
    if home.volume == VolumeOwner::There {
        return None;
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

/// What makes `DefaultAzureCredential` skip the identity: `EnvironmentCredential` comes first (Azure SDKs, "Credential chains").
fn credentials(container: &Container, mut tell: impl FnMut(&dyn Fn() -> Notice)) {
    let has = |name: &str| {
        container.variable(name).is_some_and(|env| env.value().is_none_or(|value| !value.is_empty()))
    };
    let credential =
        ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"].into_iter().find(|name| has(name));
    let user = || (has("AZURE_USERNAME") && has("AZURE_PASSWORD")).then_some("AZURE_USERNAME");
    if let Some(variable) = credential.or_else(user) {
        tell(&|| Notice::CredentialWins { variable });
    }
    let chosen = container.variable("AZURE_TOKEN_CREDENTIALS").and_then(Env::value);
    let takes = ["", "prod", "WorkloadIdentityCredential"];
    let left_out =
        chosen.is_some_and(|chosen| !takes.into_iter().any(|word| chosen.eq_ignore_ascii_case(word)));
    if left_out {
        tell(&|| Notice::LeftOut);
    }
}

/// The container's own variables that refer to one which is added after them, or to a token file of another layout.
fn references(container: &Container, target: &Target, mut tell: impl FnMut(&dyn Fn() -> Notice)) {
    let missing = names::IDENTITY_VARIABLES.map(|name| (name, container.variable(name).is_none()));
    // Most variables contain neither, and are not parsed.
    let suspect = |env: &&Env| env.raw.contains("$(AZURE_") || env.raw.contains(names::SECRETS_PATH);
    for env in container.env.iter().filter(suspect) {
        let value = env.value().unwrap_or_default();
        for (injected, is_missing) in missing {
            if is_missing && value.contains(&["$(", injected, ")"].concat()) && !value.contains("$$(") {
                tell(&|| Notice::RefersToInjected { own: env.name.as_ref().into(), injected });
            }
        }
        let is_token = value.starts_with(names::SECRETS_PATH) && value.ends_with(names::LEGACY_TOKEN_PATH);
        if is_token
            && !env.is_called(names::AZURE_FEDERATED_TOKEN_FILE)
            && !target.place.is_token_file(&value)
        {
            tell(&|| Notice::OtherTokenFile { own: env.name.as_ref().into() });
        }
    }
    for (field, json) in ["command", "args"].into_iter().zip(container.arguments) {
        // A word can hold several paths; the last one is what it ends with.
        let words = json.into_iter().flat_map(|json| json.split(ends_path));
        let mut paths = words.filter_map(|word| word.get(word.rfind(names::SECRETS_PATH)?..));
        let is_other =
            |path: &str| path.ends_with(names::LEGACY_TOKEN_PATH) && !target.place.is_token_file(path);
        if paths.any(is_other) {
            tell(&|| Notice::TokenFileInArguments { field });
        }
    }
}

/// Whether a path ends before this character, in the JSON of a command.
fn ends_path(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !matches!(c, '/' | '-' | '_' | '.')
}

/// Warns about what containers set themselves: a different value for a variable, or their own token.
pub(crate) fn warnings(
    settings: &Settings,
    containers: &Containers,
    identities: &Identities,
    warnings: &mut Warnings,
) {
    for (held, other) in containers.due.iter().zip(identities.own) {
        let container = held.container;
        let about = || About::Container(containers.pod.title.clone(), container.name.as_ref().into());
        let mut tell =
            |notice: &dyn Fn() -> Notice| warnings.add(|| Warning { about: about(), notice: notice() });
        let identity = identities.of(other.as_ref());
        let differs =
            |variable, place| differs(container, variable, settings, identity, place, containers.volumes.os);
        let target = match (&held.target, &held.state) {
            (None, _) => {
                tell(&|| Notice::OwnToken);
                continue;
            }
            (Some(target), State::Equipped { token, .. }) => {
                for variable in [names::AZURE_CLIENT_ID, names::AZURE_TENANT_ID, names::AZURE_AUTHORITY_HOST]
                {
                    if differs(variable, &target.place) {
                        tell(&|| Notice::OwnValue { variable });
                    }
                }
                let through_endpoint = || container.variable(names::AZURE_KUBERNETES_TOKEN_PROXY).is_some();
                if *token.audience != *containers.audience.as_str() && !through_endpoint() {
                    tell(&|| Notice::OtherAudience(token.audience.as_ref().into()));
                }
                continue;
            }
            (Some(target), _) => target,
        };
        let above = conflicts::read_only_above(container, &containers.volumes, &containers.root(target));
        if let Some(mount) = above {
            let (volume, path) = (&mount.name, &mount.path);
            tell(&|| Notice::ReadOnlyAbove { volume: volume.as_ref().into(), path: path.as_ref().into() });
        }
        credentials(container, &mut tell);
        references(container, target, &mut tell);
        let unknown = TokenFile::of(container, containers.volumes.os) == TokenFile::Unknown;
        for variable in names::IDENTITY_VARIABLES {
            if unknown && variable == names::AZURE_FEDERATED_TOKEN_FILE {
                tell(&|| Notice::TokenFileUnknown);
            } else if differs(variable, &target.place) {
                tell(&|| Notice::OwnValue { variable });
            }
        }
    }
}
