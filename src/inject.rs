//! Writes a plan into a pod's spec. It decides nothing, and can't fail: the plan holds every place and every text.

use std::borrow::Cow;

use crate::{
    json::Json,
    plan::{Plan, Slot},
};

/// Writes `plan` into `spec`.
pub fn apply(plan: Plan, spec: &mut Json<'_>) {
    for injection in plan.injections {
        let Some(Json::List(containers)) = spec.field_mut(injection.list.field()) else { continue };
        let Some(container) = containers.get_mut(injection.index) else { continue };
        if !injection.env.is_empty()
            && let Some(env) = container.list_mut("env")
        {
            env.extend(
                injection
                    .env
                    .into_iter()
                    .filter_map(|index| plan.env.get(index))
                    .map(|entry| raw(entry.clone())),
            );
        }
        if let Some(slot) = injection.mount
            && let Some(mounts) = container.list_mut("volumeMounts")
        {
            put(mounts, slot, plan.mount.clone());
        }
    }
    if let Some((slot, volume)) = plan.volume
        && let Some(volumes) = spec.list_mut("volumes")
    {
        put(volumes, slot, volume);
    }
}

fn put(list: &mut Vec<Json<'_>>, slot: Slot, text: String) {
    match slot {
        Slot::Append => list.push(raw(text)),
        Slot::Replace(index) => {
            if let Some(item) = list.get_mut(index) {
                *item = raw(text);
            }
        }
    }
}

fn raw<'a>(text: String) -> Json<'a> {
    Json::Raw(Cow::Owned(text))
}
