//! Debug containers: what `kubectl debug` adds to a running pod gets the identity that the pod has.

use std::cell::OnceCell;

use crate::{
    decide::{
        conflicts,
        evidence::{State, Volumes, state, token_below},
        inject,
        own_ids::{self, Ids},
        plan::Slot,
    },
    json::{Cursor, Json, Malformed},
    object::{
        container::{Container, Env, Mount},
        metadata::Metadata,
        pod::{Candidate, Spec},
        request::{self, Change},
    },
    settings::Settings,
    value::{
        layout::Place,
        name_set::{ByName, NameSet},
        names,
    },
    verdict::{
        outcome::{Audit, LogLine, Verdict},
        refusal::Refusal,
    },
};

/// What one debug container gets, copied from a container of the pod: entries of `env`, and of `volumeMounts`.
struct Copied {
    index: usize,
    env: Vec<String>,
    mount: Option<String>,
}

/// Equips the ephemeral containers that are new. Nobody is asked: all that is written stands in the pod already.
///
/// # Errors
/// A pod or a request that can't be understood.
pub(crate) fn judge<'t>(
    settings: &Settings,
    request: &Cursor<'_, '_>,
    change: Change<'t>,
) -> Result<Verdict<'t>, Vec<Malformed>> {
    let Change { new: mut pod, old } = change;
    let namespace = request::namespace(request)?;
    let (title, Given { copies, audit }) = {
        let root = Cursor::root("", &pod);
        let (metadata, spec) = (Metadata::read(&root)?, Spec::read(&root.required("spec", "an object")?)?);
        let old = old.as_ref().and_then(|old| old.field("spec"));
        let old = old.map(|old| Spec::read(&Cursor::root("oldObject.spec", old))).transpose()?;
        let title = metadata.title(&namespace);
        let pod = Candidate { title: &title, namespace: &namespace, metadata: &metadata, spec: &spec };
        match given(settings, pod, old.as_ref()) {
            Some(given) => (title, given),
            None => return Ok(Verdict::accepted()),
        }
    };
    let (copies, refusals) = match copies {
        Ok(copies) if copies.is_empty() => return Ok(Verdict::accepted()),
        Ok(copies) => (copies, Vec::new()),
        Err(refusal) => (Vec::new(), vec![*refusal]),
    };
    let log = Some(LogLine::new(&namespace, &title, &refusals));
    if !refusals.is_empty() {
        return Ok(Verdict { refusals, audit: Some(audit), log, ..Verdict::default() });
    }
    let list = pod.field_mut("spec").and_then(|spec| spec.field_mut("ephemeralContainers"));
    if let Some(Json::List(containers)) = list {
        for copied in copies {
            if let Some(container) = containers.get_mut(copied.index) {
                inject::equip(container, copied.env, copied.mount.map(|mount| (Slot::Append, mount)));
            }
        }
    }
    Ok(Verdict { mutated: Some(pod), audit: Some(audit), log, ..Verdict::default() })
}

/// A container that has the pod's token, the mount that provides it, and its variables that the policy gives.
struct Donor<'s, 't> {
    container: &'s Container<'t>,
    mount: &'s Mount<'t>,
    place: Place,
    ours: Vec<&'s Env<'t>>,
}

/// The containers that debug containers copy from.
struct Donors<'s, 't> {
    /// The first that has the pod's token.
    first: Donor<'s, 't>,
    /// All by their names, each looked at once somebody debugs it.
    all: ByName<'s, (&'s Container<'t>, OnceCell<Option<Donor<'s, 't>>>)>,
}

impl<'s, 't> Donors<'s, 't> {
    /// Those of `spec`; `None` where no container has the pod's token.
    fn read(settings: &Settings, spec: &'s Spec<'t>, volumes: &Volumes) -> Option<Self> {
        let first = spec.containers.iter().find_map(|container| donor(settings, container, volumes))?;
        let all = spec.containers.iter();
        let all = all.map(|container| (container.name.as_ref(), (container, OnceCell::new())));
        Some(Self { first, all: ByName::first(all) })
    }

    /// The one that `container` copies from: the container that it debugs, where that has a token, or else the first.
    fn of(&self, settings: &Settings, container: &Container, volumes: &Volumes) -> &Donor<'s, 't> {
        let target = self.all.get(&container.target).and_then(|(target, donor_of)| {
            donor_of.get_or_init(|| donor(settings, target, volumes)).as_ref()
        });
        target.unwrap_or(&self.first)
    }
}

/// What the new debug containers get, and who they are with it.
struct Given {
    copies: Result<Vec<Copied>, Box<Refusal>>,
    audit: Audit,
}

/// What each new debug container gets from the container that it debugs, or the first that has the pod's token; `None` where no
/// container has.
fn given(settings: &Settings, pod: Candidate, old: Option<&Spec>) -> Option<Given> {
    let volumes = Volumes::read(pod.spec);
    let donors = Donors::read(settings, pod.spec, &volumes)?;
    let (client_id, tenant_id) = Ids::of(donors.first.container, None).seen();
    let service_account = pod.spec.reference(pod.namespace);
    let skipped = pod.metadata.annotations.skipped_containers();
    let old = old.into_iter().flat_map(|old| &old.ephemeral);
    let old = NameSet::new(old.map(|container| container.name.as_ref()));
    let is_left = |name: &str| old.contains(name) || skipped.contains(name) || settings.skips(name);
    let new = pod.spec.ephemeral.iter().filter(|container| !is_left(&container.name));
    let new = new.map(|container| {
        let donor = donors.of(settings, container, &volumes);
        New { container, donor, ids: Ids::of(container, Some(donor.container)) }
    });
    let new: Vec<New> = new.collect();
    let others = new.iter().filter_map(|new| {
        let own = new.ids.seen().0.filter(|own| Some(own) != client_id.as_ref())?;
        Some((new.container.name.as_ref().into(), own))
    });
    let containers = others.collect();
    let copies = copies(settings, pod, &new, &volumes, &skipped);
    let audit = Audit { service_account, identity: None, client_id, tenant_id, containers };
    Some(Given { copies, audit })
}

/// A debug container that is new and not skipped, what it copies from, and the ids that it has by that.
struct New<'p, 's, 't> {
    container: &'p Container<'t>,
    donor: &'p Donor<'s, 't>,
    ids: Ids<'p, 't>,
}

fn copies(
    settings: &Settings,
    pod: Candidate,
    new: &[New],
    volumes: &Volumes,
    skipped: &NameSet,
) -> Result<Vec<Copied>, Box<Refusal>> {
    let mut copies = Vec::new();
    for New { container, donor, ids } in new {
        let copied = copied(settings, donor, container, volumes);
        let allowed = settings.allowed_identities.as_ref();
        if let Some(mistake) =
            allowed.and_then(|allowed| own_ids::check(allowed, pod.namespace, container, ids, None))
        {
            return Err(Box::new(Refusal::new(pod.title, mistake)));
        }
        if copied.mount.is_some()
            && let Some(mut mistake) =
                conflicts::at_mount(container, &donor.place, &[&donor.place.token_path], &[])
        {
            conflicts::skip_all(std::slice::from_mut(&mut mistake), skipped);
            return Err(Box::new(Refusal::new(pod.title, mistake)));
        }
        if !copied.env.is_empty() || copied.mount.is_some() {
            copies.push(copied);
        }
    }
    Ok(copies)
}

/// A container of the pod, if its variable is the file of a token that one of its mounts provides.
fn donor<'s, 't>(
    settings: &Settings,
    container: &'s Container<'t>,
    volumes: &Volumes,
) -> Option<Donor<'s, 't>> {
    let State::Equipped { mount } = state(container, volumes, &settings.audience, None) else {
        return None;
    };
    let (mount, token_path) = token_below(container, mount)?;
    let place = Place {
        volume: mount.name.clone().into_owned(),
        mount_path: mount.path.clone().into_owned(),
        token_path,
    };
    Some(Donor { container, mount, place, ours: ours(settings, container) })
}

/// The variables of `donor` that the policy gives.
fn ours<'s, 't>(settings: &Settings, donor: &'s Container<'t>) -> Vec<&'s Env<'t>> {
    let extra = NameSet::new(settings.extra_env.iter().map(|extra| extra.name.as_str()));
    let is_ours = |name: &str| {
        names::IDENTITY_VARIABLES.contains(&name)
            || names::TOKEN_ENDPOINT_VARIABLES.contains(&name)
            || extra.contains(name)
    };
    // Of two of one name, the one that the donor sees.
    let given = donor.env.iter().rev().filter(|env| is_ours(&env.name));
    let mut last = ByName::first(given.map(|env| (env.name.as_ref(), env))).into_items();
    last.reverse();
    last
}

/// What `container` lacks of what `donor` has.
fn copied(settings: &Settings, donor: &Donor, container: &Container, volumes: &Volumes) -> Copied {
    let nothing = Copied { index: container.index, env: Vec::new(), mount: None };
    let has = match state(container, volumes, &settings.audience, None) {
        State::OwnToken => return nothing,
        State::Equipped { .. } => true,
        State::Moved { .. } | State::Bare { .. } => {
            container.mounts.iter().any(|mount| mount.name == donor.place.volume)
        }
    };
    let own = NameSet::new(container.env.iter().map(|env| env.name.as_ref()));
    let env = donor.ours.iter().filter(|env| !own.contains(&env.name));
    let env = env.map(|env| env.raw.to_owned()).collect();
    Copied { env, mount: (!has).then(|| donor.mount.raw.to_owned()), ..nothing }
}
