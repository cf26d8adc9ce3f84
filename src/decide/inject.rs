//! Writes a plan into a pod's spec. It decides nothing, and can't fail: the plan holds every place and every text.

use std::borrow::Cow;

use crate::{
    decide::plan::{Plan, Share, Slot},
    json::Json,
    object::container::CONTAINER,
};

/// Writes `plan` into the spec of `pod`.
pub(crate) fn apply(plan: Plan, pod: &mut Json<'_>) {
    let Some(spec) = pod.field_mut("spec") else { return };
    for injection in &plan.injections {
        let Some(Json::List(containers)) = spec.field_mut(injection.list.field()) else { continue };
        let Some(container) = containers.get_mut(injection.index) else { continue };
        let env = injection.env.iter().filter_map(|index| plan.env.get(*index));
        equip(container, env, injection.mount.map(|slot| (slot, plan.mount.as_str())));
    }
    for new in &plan.containers {
        let Ok(container) = Json::parse(&new.json, &CONTAINER) else { continue };
        let mut container = container.owned();
        if new.share == Share::Identity {
            equip(&mut container, plan.env.iter(), Some((Slot::Append, &plan.mount)));
        }
        if let Some(containers) = spec.list_mut(new.list.field()) {
            put(containers, new.slot, container);
        }
    }
    if let Some((slot, volume)) = plan.volume
        && let Some(volumes) = spec.list_mut("volumes")
    {
        put(volumes, slot, raw(volume));
    }
}

/// Appends variables to a container and puts the mount into it.
pub(crate) fn equip<'e>(
    container: &mut Json<'_>,
    env: impl Iterator<Item = &'e String>,
    mount: Option<(Slot, &str)>,
) {
    let mut env = env.peekable();
    if env.peek().is_some()
        && let Some(list) = container.list_mut("env")
    {
        list.extend(env.map(|entry| raw(entry.clone())));
    }
    if let Some((slot, mount)) = mount
        && let Some(mounts) = container.list_mut("volumeMounts")
    {
        put(mounts, slot, raw(mount.to_owned()));
    }
}

fn put<'a>(list: &mut Vec<Json<'a>>, slot: Slot, json: Json<'a>) {
    match slot {
        Slot::First => list.insert(0, json),
        Slot::Append => list.push(json),
        Slot::Replace(index) => {
            if let Some(item) = list.get_mut(index) {
                *item = json;
            }
        }
    }
}

fn raw<'a>(text: String) -> Json<'a> {
    Json::Raw(Cow::Owned(text))
}
