//! Labels and annotations of workload identity where no pod and no ServiceAccount has them: in the values of a release, in the templates of
//! an operator, on a Namespace.

use serde_json::{Map, Value, json};

use crate::{
    finding::{Finding, Severity},
    kinds,
    object::Object,
    yaml::{Step, walk},
};

/// The prefix of the names that count.
const PREFIX: &str = "azure.workload.identity/";

/// The label that asks for an identity.
const USE: &str = "azure.workload.identity/use";

/// What stands somewhere, by its names, each with its path in the object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stray {
    annotations: Vec<(String, Value, Vec<Step>)>,
}

impl Stray {
    /// A ServiceAccount with them, for the policy to say what it does not know.
    #[must_use]
    pub fn account(&self, namespace: &str) -> Value {
        let annotations: Map<String, Value> =
            self.annotations.iter().map(|(name, value, _)| (name.clone(), value.clone())).collect();
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stray", "namespace": namespace, "annotations": annotations}})
    }

    /// The paths of an annotation that the policy found something about.
    #[must_use]
    pub fn paths(&self, steps: &[Step]) -> Vec<Vec<Step>> {
        match steps {
            [_, Step::Field(list), Step::Field(name)] if list == "annotations" => self
                .annotations
                .iter()
                .filter(|(own, ..)| own == name)
                .map(|(.., path)| path.clone())
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Whether metadata has a name with the prefix.
#[must_use]
pub fn names_ours(metadata: &Value) -> bool {
    ["labels", "annotations"].iter().any(|list| {
        metadata
            .get(list)
            .and_then(Value::as_object)
            .is_some_and(|names| names.keys().any(|name| name.starts_with(PREFIX)))
    })
}

/// What stands in an object with the prefix. What is told without the policy is added to `findings`.
pub fn find(object: &Object, namespace: &str, findings: &mut Vec<Finding>) -> Option<Stray> {
    // What an operator makes a ServiceAccount of is judged as one.
    let made = crate::pods::made_account(&object.value).map(|(_, path)| path);
    if kinds::is_policy(&object.value) {
        return None;
    }
    let makes_pods = matches!(crate::pods::pods(&object.value), crate::pods::Pods::Others(_));
    let mut stray = Stray::default();
    let found = search(&object.value);
    for (path, value) in
        found.into_iter().filter(|(path, _)| !made.as_ref().is_some_and(|made| path.starts_with(made)))
    {
        let (Some(Step::Field(name)), list) = (path.last(), path.iter().rev().nth(1)) else { continue };
        let is_own = path.len() == 3 && path.first() == Some(&Step::field("metadata"));
        let word = if matches!(list, Some(Step::Field(list)) if list.to_lowercase().ends_with("annotations"))
        {
            "annotation"
        } else {
            "label"
        };
        if !value.is_string() && !value.is_null() {
            if value.is_boolean() || value.is_number() {
                let message = format!("{word} {name} is {value} without quotes, which is no text");
                let mut finding = object.finding(namespace, Severity::Warning, "unquoted", &path, message);
                finding.fix = Some(format!("put it in quotes: {name}: \"{value}\""));
                findings.push(finding);
            }
            continue;
        }
        // Other operators may give their pods what their objects have.
        if is_own
            && is_known(name)
            && kinds::is_built_in(kinds::group_version(&object.value).0)
            && !makes_pods
        {
            let message = format!("{word} {name} has no effect on a {}", kinds::kind(&object.value));
            let rule = if word == "label" { "label-misplaced" } else { "annotation-misplaced" };
            findings.push(object.finding(namespace, Severity::Warning, rule, &path, message));
        } else if name != USE {
            stray.annotations.push((name.clone(), value.clone(), path));
        }
    }
    (!stray.annotations.is_empty()).then_some(stray)
}

/// The names that Microsoft Entra Workload ID documents ("Service account annotations", "Pod annotations"); the policy knows them, too.
fn is_known(name: &str) -> bool {
    [
        "use",
        "client-id",
        "tenant-id",
        "service-account-token-expiration",
        "skip-containers",
        "inject-proxy-sidecar",
        "proxy-sidecar-port",
    ]
    .iter()
    .any(|known| name.strip_prefix(PREFIX) == Some(known))
}

/// The values of every name with the prefix, below what is not a whole object that is judged for itself, nor a pod template.
fn search(object: &Value) -> Vec<(Vec<Step>, &Value)> {
    let mut found = Vec::new();
    walk(object, &mut Vec::new(), &mut |path, value| match path.last() {
        // A selector names what others have.
        Some(Step::Field(name)) if ["matchLabels", "selector", "podSelector"].contains(&name.as_str()) => {
            false
        }
        Some(Step::Field(name)) if name.starts_with(PREFIX) => {
            found.push((path.to_vec(), value));
            false
        }
        Some(_) => kinds::judged(value).is_none() && value.pointer("/spec/containers").is_none(),
        None => true,
    });
    found
}
