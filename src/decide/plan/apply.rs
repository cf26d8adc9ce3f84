//! Writes a plan into a pod's spec. It decides nothing, and can't fail: the plan holds every place and every text.

use std::{borrow::Cow, rc::Rc};

use crate::{
    decide::plan::{Plan, Slot},
    json::Json,
};

/// Writes `plan` into the spec of `pod`.
pub(crate) fn apply(plan: Plan, pod: &mut Json<'_>) {
    let Some(spec) = pod.field_mut("spec") else { return };
    let Plan { injections, containers, volume, removed_volumes } = plan;
    for injection in injections {
        let Some(Json::List(containers)) = spec.field_mut(injection.list.field()) else { continue };
        let Some(container) = containers.get_mut(injection.index) else { continue };
        // Indexes of replaced and removed mounts refer to the original list, so a new mount is appended last.
        let (replaced, appended) = match injection.mount {
            Some((Slot::Append | Slot::First, mount)) => (None, Some((Slot::Append, mount))),
            replaced => (replaced, None),
        };
        if let Some(Json::List(env)) = container.field_mut("env") {
            for (index, entry) in injection.replaced {
                put(env, Slot::Replace(index), raw(Rc::unwrap_or_clone(entry)));
            }
        }
        equip(container, injection.env.into_iter().map(Rc::unwrap_or_clone), replaced);
        if let Some(Json::List(mounts)) = container.field_mut("volumeMounts") {
            remove(mounts, &injection.removed_mounts);
        }
        equip(container, [], appended);
    }
    for new in containers {
        if let Some(containers) = spec.list_mut(new.list.field()) {
            put(containers, new.slot, raw(new.json));
        }
    }
    if let Some((slot, volume)) = volume
        && let Some(volumes) = spec.list_mut("volumes")
    {
        put(volumes, slot, raw(volume));
    }
    if let Some(Json::List(volumes)) = spec.field_mut("volumes") {
        remove(volumes, &removed_volumes);
    }
}

/// Appends variables to a container and puts the mount into it.
pub(crate) fn equip(
    container: &mut Json<'_>,
    env: impl IntoIterator<Item = String>,
    mount: Option<(Slot, String)>,
) {
    let mut env = env.into_iter().peekable();
    if env.peek().is_some()
        && let Some(list) = container.list_mut("env")
    {
        list.extend(env.map(raw));
    }
    if let Some((slot, mount)) = mount
        && let Some(mounts) = container.list_mut("volumeMounts")
    {
        put(mounts, slot, raw(mount));
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

/// Removes the items at these indexes, which are ascending, from `list`.
fn remove(list: &mut Vec<Json>, places: &[usize]) {
    let mut places = places.iter().peekable();
    let mut index = 0;
    list.retain(|_| {
        let goes = places.next_if_eq(&&index).is_some();
        index += 1;
        !goes
    });
}

fn raw<'a>(text: String) -> Json<'a> {
    Json::Raw(Cow::Owned(text))
}
