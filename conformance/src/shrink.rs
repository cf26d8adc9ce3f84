//! Makes a case that fails as small as it can be.

use serde_json::Value;

use crate::generate::Case;

/// The smallest case that still fails, as far as dropping fields and items of it one by one leads.
pub fn smallest(case: Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case;
    loop {
        let smaller = candidates(&best).into_iter().find(|smaller| fails(smaller));
        match smaller {
            Some(smaller) => best = smaller,
            None => return best,
        }
    }
}

/// What a request needs to be one at all: without it the case would fail for another reason.
const NEEDED: [&[&str]; 7] = [
    &["spec", "serviceAccountName"],
    &["metadata"],
    &["spec"],
    &["spec", "containers"],
    &["metadata", "name"],
    &["metadata", "generateName"],
    &["metadata", "namespace"],
];

/// Fields that Kubernetes requires where their object is there.
const REQUIRED: [&str; 4] = ["name", "mountPath", "path", "audience"];

/// All cases that lack one field or item of `case`, the largest pieces first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut candidates = Vec::new();
    let object = case.request.get("object").unwrap_or(&Value::Null);
    for path in paths(object) {
        let mut smaller = case.clone();
        if let Some(object) = smaller.request.get_mut("object") {
            remove(object, &path);
        }
        candidates.push(smaller);
    }
    for (index, account) in case.service_accounts.iter().enumerate() {
        for path in paths(account) {
            let mut smaller = case.clone();
            if let Some(account) = smaller.service_accounts.get_mut(index) {
                remove(account, &path);
            }
            candidates.push(smaller);
        }
    }
    candidates.sort_by_key(|case| case.request.to_string().len());
    candidates
}

/// The way to every field and item that can be dropped.
fn paths(value: &Value) -> Vec<Vec<String>> {
    let mut paths = below(value);
    paths.retain(|path| {
        !NEEDED.iter().any(|needed| path == needed)
            && path.last().is_none_or(|last| !REQUIRED.contains(&last.as_str()))
    });
    paths
}

/// The way to every field and item below `value`.
fn below(value: &Value) -> Vec<Vec<String>> {
    let steps: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut all = Vec::new();
    for (step, value) in steps {
        all.push(vec![step.clone()]);
        all.extend(below(value).into_iter().map(|path| [vec![step.clone()], path].concat()));
    }
    all
}

fn remove(value: &mut Value, path: &[String]) {
    match (path, value) {
        ([last], Value::Object(fields)) => {
            fields.remove(last);
        }
        ([last], Value::Array(items)) => {
            if let Some(index) = last.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        ([step, rest @ ..], Value::Object(fields)) => {
            if let Some(value) = fields.get_mut(step) {
                remove(value, rest);
            }
        }
        ([step, rest @ ..], Value::Array(items)) => {
            if let Some(value) = step.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                remove(value, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_only_what_makes_it_fail() {
        let case = Case {
            service_accounts: vec![json!({"metadata": {"name": "web", "annotations": {"x": "y"}}})],
            request: json!({"object": {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a"}, {"name": "b", "env": [1, 2]}]}}}),
        };
        let fails = |case: &Case| case.request.to_string().contains("\"b\"");
        let smallest = smallest(case, fails);
        let object = json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "b"}]}});
        assert_eq!(smallest.request, json!({"object": object}));
        assert_eq!(smallest.service_accounts, [json!({"metadata": {"name": "web"}})]);
    }
}
