//! Fills a plan: to each container what it lacks, to the pod the volume and the proxy's containers.

use crate::{
    decide::{
        conflicts,
        containers::{Containers, Found, Held, Target, Whose, same},
        evidence::State,
        fragments, paths,
        plan::{Injection, NewContainer, Plan, Slot},
        variables::{Entries, Variables},
    },
    feature::proxy::{self, Sidecar},
    object::container::{Container, ContainerList, Env},
    settings::Settings,
    value::{name_set::NameSet, names, port::ProxyPort, token::TokenExpiration},
    verdict::{
        notice::Notice,
        warning::{About, Warning},
    },
};

/// The plan for `containers`.
pub(crate) fn plan(
    settings: &Settings,
    containers: &Containers,
    variables: &OfContainers,
    expiration: TokenExpiration,
    proxy: Option<ProxyPort>,
) -> Plan {
    let mut entries = Entries::new(&variables.pods, &containers.home.place);
    let injections = containers.due.iter().zip(&variables.own).filter_map(|(held, own)| {
        let target = held.target.as_ref()?;
        Some(injection(containers, (&variables.pods, own.as_ref()), &mut entries, held, target))
    });
    let injections: Vec<Injection> = injections.filter(|injection| !injection.is_empty()).collect();
    let new =
        proxy.map(|port| proxy_containers(settings, containers, &variables.pods, port)).unwrap_or_default();
    let gone = gone_volumes(containers, &injections);
    let volume = volume(containers, &new, expiration);
    Plan { env: entries.into_texts(), injections, containers: new, volume, gone }
}

/// The variables of the containers that are due an identity.
#[derive(Debug)]
pub(crate) struct OfContainers<'s> {
    /// Those of the pod's identity.
    pub(crate) pods: Variables<'s>,
    /// Those of each container's own identity, where it has one.
    pub(crate) own: Vec<Option<Variables<'s>>>,
}

fn injection<'s>(
    containers: &Containers,
    (pods, own): (&Variables<'s>, Option<&Variables<'s>>),
    entries: &mut Entries<'_, 's>,
    held: &Held,
    target: &Target,
) -> Injection {
    let container = held.container;
    let variables = own.unwrap_or(pods);
    let mut missing = variables.missing(container.env.iter().map(|env| env.name.as_ref()));
    if !gets_endpoint(containers, target) {
        missing.retain(|place| !variables.is_of_endpoint(*place));
    }
    let mount = match target.mount {
        Found::Right(_) => None,
        Found::Wrong(index) => Some(Slot::Replace(index)),
        Found::Missing => Some(Slot::Append),
    };
    Injection {
        list: container.list,
        index: container.index,
        env: match own {
            Some(own) => entries.others(own, missing, &target.place),
            None => entries.of(missing, &target.place),
        },
        mount: mount.map(|slot| (slot, fragments::mount(&target.place))),
        gone: held.gone.clone(),
    }
}

/// Whether the token at the target is for the endpoint, where the pod asks for one.
fn gets_endpoint(containers: &Containers, target: &Target) -> bool {
    let layouts =
        containers.home.volume == Whose::Layout && target.place.volume == containers.home.place.volume;
    let there = containers.volumes.named(&target.place.volume);
    layouts
        || there.is_some_and(|(_, _, tokens)| {
            tokens.iter().any(|token| token.audience == containers.audience.as_str())
        })
}

/// The proxy's containers, each only where none of its name is there.
fn proxy_containers(
    settings: &Settings,
    containers: &Containers,
    variables: &Variables,
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
    let is_there = |name: &str| containers.pod.spec.containers.iter().any(|container| container.name == name);
    both.into_iter()
        .filter(|(name, ..)| !is_there(name))
        .map(|(name, list, slot, json, own_env)| {
            let due = !containers.skipped.contains(name);
            let own = own_env.is_some().then_some(proxy::PORT_VARIABLE);
            let env = if due { variables.missing(own.into_iter()) } else { Vec::new() };
            let mount = due.then(|| fragments::mount(&containers.home.place));
            NewContainer { list, slot, json, own_env, env, mount }
        })
        .collect()
}

/// The layout's volume, where a container has a mount of it, or nobody has a token and all containers are skipped.
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
    let has_token = || containers.pod.spec.volumes.iter().any(|volume| volume.projects_token(audience));
    if home.volume == Whose::There {
        return None;
    }
    let text = fragments::volume(&home.place, containers.audience, expiration, containers.endpoint);
    match containers.volumes.named(&home.place.volume) {
        Some((_, there, _)) if same(there.raw, &text) => None,
        // Where nobody needs it, a volume that a container uses as something else stays what it is.
        Some((index, there, _)) => {
            let unused = || conflicts::user_of(containers.pod.spec, &there.name).is_none();
            (needed || (none_due && unused())).then_some((Slot::Replace(index), text))
        }
        None => (needed || (none_due && !has_token())).then_some((Slot::Append, text)),
    }
}

/// The volumes of which the last mount goes.
fn gone_volumes(containers: &Containers, injections: &[Injection]) -> Vec<usize> {
    if injections.iter().all(|injection| injection.gone.is_empty()) {
        return Vec::new();
    }
    let spec = containers.pod.spec;
    let (mut going, mut staying) = (Vec::new(), Vec::new());
    // They come in the order of the containers.
    let mut injections = injections.iter().peekable();
    for container in spec.containers.iter().chain(&spec.ephemeral) {
        let of_this =
            |injection: &&Injection| (injection.list, injection.index) == (container.list, container.index);
        let gone = injections.next_if(of_this).map_or(&[][..], |injection| &injection.gone);
        for (index, mount) in container.mounts.iter().enumerate() {
            if gone.binary_search(&index).is_ok() {
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

/// What keeps `DefaultAzureCredential` from the identity: `EnvironmentCredential` comes first (Azure SDKs, "Credential chains").
fn credentials(container: &Container) -> Vec<Notice> {
    let has = |name: &str| {
        container.variable(name).is_some_and(|env| env.value().is_none_or(|value| !value.is_empty()))
    };
    let credential =
        ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"].into_iter().find(|name| has(name));
    let user = || (has("AZURE_USERNAME") && has("AZURE_PASSWORD")).then_some("AZURE_USERNAME");
    let wins = credential.or_else(user).map(|variable| Notice::CredentialWins { variable });
    let chosen = container.variable("AZURE_TOKEN_CREDENTIALS").and_then(Env::value);
    let takes = ["", "prod", "WorkloadIdentityCredential"];
    let left_out =
        chosen.is_some_and(|chosen| !takes.into_iter().any(|word| chosen.eq_ignore_ascii_case(word)));
    wins.into_iter().chain(left_out.then_some(Notice::LeftOut)).collect()
}

/// The container's own variables that refer to one which is added after them, or to a token file of another layout.
fn references(container: &Container, target: &Target) -> Vec<Notice> {
    let mut notices = Vec::new();
    // Most variables have nothing of it in their text.
    let suspect = |env: &&Env| env.raw.contains("$(AZURE_") || env.raw.contains(names::SECRETS_PATH);
    for env in container.env.iter().filter(suspect) {
        let value = env.value().unwrap_or_default();
        for injected in names::IDENTITY_VARIABLES {
            let refers = value.contains(&["$(", injected, ")"].concat()) && !value.contains("$$(");
            if refers && container.variable(injected).is_none() {
                notices.push(Notice::RefersToInjected { own: env.name.as_ref().into(), injected });
            }
        }
        let is_token = value.starts_with(names::SECRETS_PATH) && value.ends_with(names::LEGACY_TOKEN_PATH);
        if is_token && env.name != names::AZURE_FEDERATED_TOKEN_FILE && value != target.place.token_file() {
            notices.push(Notice::OtherTokenFile { own: env.name.as_ref().into() });
        }
    }
    for (field, json) in ["command", "args"].into_iter().zip(container.arguments) {
        let paths = json
            .into_iter()
            .flat_map(|json| json.match_indices(names::SECRETS_PATH).map(|(at, _)| json.get(at..)));
        let mut paths = paths.flatten().map(|text| text.split(ends_path).next().unwrap_or_default());
        if paths.any(|path| path.ends_with(names::LEGACY_TOKEN_PATH) && path != target.place.token_file()) {
            notices.push(Notice::TokenFileInArguments { field });
        }
    }
    notices
}

/// Whether a path ends before this character, in the JSON of a command.
fn ends_path(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !matches!(c, '/' | '-' | '_' | '.')
}

/// Whether two values of a variable mean the same: ids and hosts in any case, hosts with or without their last slash.
fn is_same(variable: &str, one: &str, other: &str) -> bool {
    let trimmed = |text: &'_ str| text.trim_end_matches('/').len();
    match variable {
        names::AZURE_FEDERATED_TOKEN_FILE => paths::is_same(one, other),
        names::AZURE_AUTHORITY_HOST => one
            .get(..trimmed(one))
            .zip(other.get(..trimmed(other)))
            .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)),
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// What containers bring themselves: another value of a variable, or a token.
pub(crate) fn warnings(containers: &Containers, variables: &OfContainers) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (held, own) in containers.due.iter().zip(&variables.own) {
        let variables = own.as_ref().unwrap_or(&variables.pods);
        let about = || About::Container(containers.pod.title.clone(), held.container.name.as_ref().into());
        let target = match (&held.target, &held.state) {
            (None, _) => {
                warnings.push(Warning { about: about(), notice: Notice::OwnToken });
                continue;
            }
            (Some(_), State::Equipped { .. }) => continue,
            (Some(target), _) => target,
        };
        let above = conflicts::read_only_above(held.container, &containers.volumes, &target.place.mount_path);
        warnings.extend(above.map(|notice| Warning { about: about(), notice }));
        let notices = credentials(held.container);
        warnings.extend(notices.into_iter().map(|notice| Warning { about: about(), notice }));
        let notices = references(held.container, target);
        warnings.extend(notices.into_iter().map(|notice| Warning { about: about(), notice }));
        for (variable, value) in variables.of_identity(&target.place) {
            let own = held.container.variable(variable).and_then(Env::value);
            if own.is_some_and(|own| !is_same(variable, &own, &value)) {
                warnings.push(Warning { about: about(), notice: Notice::OwnValue { variable } });
            }
        }
    }
    warnings
}
