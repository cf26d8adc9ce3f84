//! Debug containers: what `kubectl debug` adds to a running pod gets the identity that the pod has.

use crate::{
    decide::{inject, mounts, plan::Slot},
    json::{Cursor, Json, Malformed},
    object::{
        container::{Container, Volume},
        metadata::Metadata,
        pod::{Candidate, Spec},
        request::{self, Change},
    },
    settings::Settings,
    value::{layout::Layout, names},
    verdict::{outcome::Verdict, refusal::Refusal},
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
) -> Result<Verdict<'t>, Malformed> {
    let Change { new: mut pod, old } = change;
    let namespace = request::namespace(request)?;
    let copies = {
        let root = Cursor::root("", &pod);
        let (metadata, spec) = (Metadata::read(&root)?, Spec::read(&root.required("spec", "an object")?)?);
        let old = old.as_ref().and_then(|old| old.field("spec"));
        let old = old.map(|old| Spec::read(&Cursor::root("oldObject.spec", old))).transpose()?;
        let title = metadata.title(&namespace);
        let pod = Candidate { title: &title, namespace: &namespace, metadata: &metadata, spec: &spec };
        match copies(settings, pod, old.as_ref()) {
            Ok(copies) => copies,
            Err(refusal) => return Ok(Verdict::refused(refusal)),
        }
    };
    if copies.is_empty() {
        return Ok(Verdict::accepted());
    }
    let list = pod.field_mut("spec").and_then(|spec| spec.field_mut("ephemeralContainers"));
    if let Some(Json::List(containers)) = list {
        for copied in copies {
            if let Some(container) = containers.get_mut(copied.index) {
                let mount = copied.mount.as_deref().map(|mount| (Slot::Append, mount));
                inject::equip(container, copied.env.iter(), mount);
            }
        }
    }
    Ok(Verdict { mutated: Some(pod), ..Verdict::default() })
}

/// What each new debug container gets from the first container that has the pod's token.
fn copies(settings: &Settings, pod: Candidate, old: Option<&Spec>) -> Result<Vec<Copied>, Refusal> {
    let Some((volume, donor)) = donor(pod.spec) else { return Ok(Vec::new()) };
    let layout = if volume.name == names::LEGACY_VOLUME { Layout::Legacy } else { Layout::V1 };
    let skipped = pod.metadata.annotations.skipped_containers();
    let is_old =
        |name: &str| old.is_some_and(|old| old.ephemeral.iter().any(|container| container.name == name));
    let mut copies = Vec::new();
    for container in &pod.spec.ephemeral {
        if is_old(&container.name) || skipped.contains(&container.name) {
            continue;
        }
        if let Some(refusal) = mounts::conflict(layout, pod.title, container, &volume.name) {
            return Err(refusal);
        }
        let copied = copied(settings, volume, donor, container);
        if !copied.env.is_empty() || copied.mount.is_some() {
            copies.push(copied);
        }
    }
    Ok(copies)
}

/// The pod's token volume, and a container that has it.
fn donor<'s, 't>(spec: &'s Spec<'t>) -> Option<(&'s Volume<'t>, &'s Container<'t>)> {
    let injected = |volume: &&Volume| {
        (volume.name.starts_with(names::VOLUME_PREFIX) || volume.name == names::LEGACY_VOLUME)
            && volume.projects_token(None)
    };
    let volume = spec.volumes.iter().find(injected)?;
    let equipped = |container: &&Container| {
        container.variable(names::AZURE_FEDERATED_TOKEN_FILE).is_some()
            && container.mounts.iter().any(|mount| mount.name == volume.name)
    };
    Some((volume, spec.containers.iter().find(equipped)?))
}

/// What `container` lacks of what `donor` has.
fn copied(settings: &Settings, volume: &Volume, donor: &Container, container: &Container) -> Copied {
    let ours = |name: &str| {
        names::IDENTITY_VARIABLES.contains(&name)
            || names::TOKEN_ENDPOINT_VARIABLES.contains(&name)
            || settings.extra_env.iter().any(|extra| extra.name == name)
    };
    let env = donor.env.iter().filter(|env| ours(&env.name) && container.variable(&env.name).is_none());
    let has = container.mounts.iter().any(|mount| mount.name == volume.name);
    let mount = donor.mounts.iter().find(|mount| !has && mount.name == volume.name);
    Copied {
        index: container.index,
        env: env.map(|env| env.raw.to_owned()).collect(),
        mount: mount.map(|mount| mount.raw.to_owned()),
    }
}
