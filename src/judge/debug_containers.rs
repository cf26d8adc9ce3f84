//! Debug containers: what `kubectl debug` adds to a running pod gets the identity that the pod has.

use crate::{
    decide::{inject, mounts, plan::Slot},
    json::{Cursor, Json, Malformed},
    object::pod::{Container, Metadata, Spec, Volume, pod_title},
    settings::Settings,
    value::{names, token::Layout},
    verdict::{Refusal, Verdict},
};

/// What one debug container gets, copied from a container of the pod: entries of `env`, and of `volumeMounts`.
struct Copied {
    index: usize,
    env: Vec<String>,
    mount: Option<String>,
}

/// Equips the ephemeral containers of `object` that are not in `old`. Nobody is asked: all that is written stands in
/// the pod already.
///
/// # Errors
/// A pod that can't be understood.
pub fn judge<'t>(
    settings: &Settings,
    namespace: &str,
    mut object: Json<'t>,
    mut spec: Json<'t>,
    old: Option<&Json<'_>>,
) -> Result<Verdict<'t>, Malformed> {
    let copies = {
        let metadata = Metadata::read(&Cursor::root("", &object))?;
        let facts = Spec::read(&Cursor::root("spec", &spec))?;
        let before = old.map(|old| Spec::read(&Cursor::root("oldObject.spec", old))).transpose()?;
        let title = pod_title(namespace, &metadata.name);
        match copies(settings, &title, &metadata, &facts, before.as_ref()) {
            Ok(copies) => copies,
            Err(refusal) => return Ok(Verdict::refused(refusal)),
        }
    };
    if copies.is_empty() {
        return Ok(Verdict::accepted());
    }
    if let Some(Json::List(containers)) = spec.field_mut("ephemeralContainers") {
        for copied in copies {
            if let Some(container) = containers.get_mut(copied.index) {
                let mount = copied.mount.as_deref().map(|mount| (Slot::Append, mount));
                inject::equip(container, copied.env.iter(), mount);
            }
        }
    }
    if let Some(place) = object.field_mut("spec") {
        *place = spec;
    }
    Ok(Verdict { mutated: Some(object), ..Verdict::default() })
}

fn copies(
    settings: &Settings,
    title: &str,
    metadata: &Metadata,
    spec: &Spec,
    old: Option<&Spec>,
) -> Result<Vec<Copied>, Refusal> {
    let injected = |volume: &&Volume| {
        (volume.name.starts_with(names::VOLUME_PREFIX) || volume.name == names::LEGACY_VOLUME)
            && volume.projects_token(None)
    };
    let Some(volume) = spec.volumes.iter().find(injected) else { return Ok(Vec::new()) };
    let equipped = |container: &&Container| {
        container.variable(names::AZURE_FEDERATED_TOKEN_FILE).is_some()
            && container.mounts.iter().any(|mount| mount.name == volume.name)
    };
    let Some(donor) = spec.containers.iter().find(equipped) else { return Ok(Vec::new()) };
    let layout = if volume.name == names::LEGACY_VOLUME { Layout::Legacy } else { Layout::V1 };
    let ours = |name: &str| {
        names::IDENTITY_VARIABLES.contains(&name)
            || names::TOKEN_ENDPOINT_VARIABLES.contains(&name)
            || settings.extra_env.iter().any(|extra| extra.name == name)
    };
    let skipped = metadata.annotations.skipped_containers();
    let is_old =
        |name: &str| old.is_some_and(|old| old.ephemeral.iter().any(|container| container.name == name));
    let mut copies = Vec::new();
    for container in spec
        .ephemeral
        .iter()
        .filter(|container| !is_old(&container.name) && !skipped.contains(&container.name))
    {
        if let Some(refusal) = mounts::conflict(layout, title, container, &volume.name) {
            return Err(refusal);
        }
        let env = donor.env.iter().filter(|env| ours(&env.name) && container.variable(&env.name).is_none());
        let env: Vec<String> = env.map(|env| env.raw.to_owned()).collect();
        let has = container.mounts.iter().any(|mount| mount.name == volume.name);
        let mount = donor
            .mounts
            .iter()
            .find(|mount| !has && mount.name == volume.name)
            .map(|mount| mount.raw.to_owned());
        if !env.is_empty() || mount.is_some() {
            copies.push(Copied { index: container.index, env, mount });
        }
    }
    Ok(copies)
}
