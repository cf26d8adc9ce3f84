//! What the API server's CEL takes of the fallback: how long an expression can be, and what it may cost.

use azure_workload_identity_policy::Settings;
use serde_json::Value;

/// Characters that an expression can have (cel-go, `ExpressionSizeCodePointLimit`, which the API server leaves as it is).
const EXPRESSION_MAX: usize = 100_000;

/// The expression that is too long, by the setting that makes it so.
pub(super) fn too_long(policy: &Value) -> Option<String> {
    let variables = policy.pointer("/spec/variables").and_then(Value::as_array).into_iter().flatten();
    let variables = variables.map(|variable| {
        let setting = match variable.get("name").and_then(Value::as_str) {
            Some("plain") => "allowedIdentities",
            Some("due") => "skipContainers",
            _ => "identities",
        };
        (setting, variable.get("expression"))
    });
    let patches = ("extraEnv", policy.pointer("/spec/mutations/0/jsonPatch/expression"));
    variables.chain([patches]).find_map(|(setting, expression)| {
        let length = expression?.as_str()?.chars().count();
        (length > EXPRESSION_MAX).then(|| {
            format!("{setting} makes an expression of {length} characters, and the API server takes {EXPRESSION_MAX}: have fewer entries")
        })
    })
}

/// What one expression may cost (Kubernetes, `apiserver/pkg/apis/cel`, `PerCallLimit`).
const COST_MAX: usize = 1_000_000;
/// What a container of 30 variables and 10 mounts costs; measured, and held by `conformance fallback`.
const CONTAINER_COST: usize = 1_600;
/// What each entry of `extraEnv` costs for each container.
const EXTRA_COST: usize = 115;

/// What a pod of so many containers costs, at most: of 30 variables and 10 mounts each.
#[must_use]
pub fn cost(settings: &Settings, containers: usize) -> usize {
    let extra = settings.extra_env().filter(|(_, value)| !value.is_empty()).count() * EXTRA_COST;
    // A regular expression costs by its length.
    let skipped = settings.skip_containers().iter().map(|glob| glob.len() + 3).sum::<usize>() * 3 / 10;
    containers * (CONTAINER_COST + extra + skipped)
}

pub(super) fn too_dear(settings: &Settings, containers: usize) -> Option<String> {
    let cost = cost(settings, containers);
    let setting = if settings.extra_env().count() * 10 > settings.skip_containers().len() {
        "extraEnv"
    } else {
        "skipContainers"
    };
    (cost > COST_MAX).then(|| {
        format!("{setting} makes a pod of {containers} containers cost up to {cost}, and the API server stops at {COST_MAX}, without a word: have fewer entries, or count on smaller pods with --containers")
    })
}
