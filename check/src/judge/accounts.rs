//! What is about `ServiceAccounts`: those that the files do not have, those that no pod uses, and those that are malformed.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{
    Entry, Outcome,
    finishing::{Finishing, MEANT_MAX, UNREAD, is_cluster_scoped},
    placed::origin,
};
use crate::{
    finding::{Finding, Related, Severity},
    kinds::{account_name, is_pod, kind, use_label},
    object::Object,
    policy::{self, GetResource},
    question::Question,
    yaml::steps,
};

impl Finishing<'_> {
    /// A ServiceAccount that the files do not have, and that would decide.
    pub(super) fn not_given(&self, question: &Question, object: &Object, look_up: &GetResource) -> Finding {
        let (namespace, name) = look_up.key();
        let path = origin(question, &steps("spec.serviceAccountName")).unwrap_or_default();
        let asks = question
            .request
            .pointer("/object/metadata/labels/azure.workload.identity~1use")
            .and_then(Value::as_str)
            == Some("true");
        let message = if asks && is_cluster_scoped(question, object) {
            format!(
                "can't tell: ServiceAccount {name} is not among the files, and {} names no namespace",
                kind(&object.value)
            )
        } else if asks {
            format!("its ServiceAccount {namespace}/{name} is not among the files")
        } else {
            format!(
                "can't tell: the pod has no label, and ServiceAccount {namespace}/{name}, whose label would decide, was not given"
            )
        };
        let is_open = is_cluster_scoped(question, object);
        let severity = if asks && !is_open { Severity::Error } else { Severity::Unknown };
        let mut finding =
            object.finding(&self.options.namespace, severity, "account-not-given", &path, message);
        finding.fix = Some(self.meant((namespace, name)).unwrap_or_else(|| self.options.give.clone()));
        finding
    }

    /// What may be meant by an account that is not among the files.
    pub(super) fn meant(&self, key: (String, String)) -> Option<String> {
        let mut known = self.meant.borrow_mut();
        // Thousands that are missing are not misspelt.
        if known.len() >= MEANT_MAX && !known.contains_key(&key) {
            return None;
        }
        known.entry(key).or_insert_with_key(|key| self.accounts.meant(key)).clone()
    }

    /// Pods that name no ServiceAccount, beside a labelled one that no pod uses.
    pub(super) fn unused_accounts(&mut self) {
        let account = |entry: &Entry| {
            (entry.title.namespace.clone().unwrap_or_default(), account_name(&entry.before).to_owned())
        };
        let pods: Vec<usize> = (0..self.entries.len())
            .filter(|index| self.entries.get(*index).is_some_and(|entry| is_pod(&entry.before)))
            .collect();
        let used: BTreeSet<(String, String)> =
            pods.iter().filter_map(|index| self.entries.get(*index)).map(account).collect();
        let mut first_unused: HashMap<String, Option<String>> = HashMap::new();
        for index in pods {
            let Some(entry) = self.entries.get(index) else { continue };
            let (namespace, name) = account(entry);
            if name != "default"
                || entry.outcome != Outcome::Untouched
                || entry.why.is_none()
                || use_label(&entry.before).is_some()
            {
                continue;
            }
            let unused = first_unused.entry(namespace.clone()).or_insert_with(|| {
                let is_unused = |name: &&str| !used.contains(&(namespace.clone(), (*name).to_owned()));
                self.accounts.labelled(&namespace).find(is_unused).map(str::to_owned)
            });
            let Some(beside) = unused.clone() else { continue };
            let Some(object) = self.objects.get(entry.object) else { continue };
            let path = if is_pod(&object.value) { steps("spec") } else { steps("spec.template.spec") };
            let message = format!(
                "can't tell: the pod names no ServiceAccount, so it has {namespace}/default, while no pod uses {namespace}/{beside}, which has the label"
            );
            let mut finding =
                object.finding(&self.options.namespace, Severity::Unknown, "account-unused", &path, message);
            finding.fix = Some(format!("did you mean serviceAccountName: {beside}?"));
            self.findings.push(finding);
            let number = self.findings.len() - 1;
            if let Some(entry) = self.entries.get_mut(index) {
                entry.why = None;
                entry.findings.push(number);
            }
        }
    }

    /// Pods whose ServiceAccount can't be read because it is malformed: the account's own findings say why. Returns the objects, of which
    /// nothing more is to be said.
    pub(super) fn blame_accounts(&mut self) -> BTreeSet<String> {
        let mut of_accounts: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, finding) in self.findings.iter().enumerate() {
            if finding.severity == Severity::Error && finding.object.kind == "ServiceAccount" {
                of_accounts.entry(finding.object.to_string()).or_default().push(number);
            }
        }
        let mut blamed = BTreeSet::new();
        for entry in &mut self.entries {
            let unread = entry.findings.iter().chain(&entry.elsewhere).find_map(|number| {
                self.findings
                    .get(*number)
                    .filter(|finding| finding.rule == UNREAD)
                    .map(|finding| finding.object.to_string())
            });
            let name =
                entry.before.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default");
            let account = policy::Object {
                kind: "ServiceAccount".to_owned(),
                namespace: entry.title.namespace.clone(),
                name: Some(name.to_owned()),
            };
            let (Some(unread), Some(numbers), Some(object)) =
                (unread, of_accounts.get(&account.to_string()), self.objects.get(entry.object))
            else {
                continue;
            };
            let own = Related {
                object: object.title(&self.options.namespace).to_string(),
                location: object.location(&[]),
            };
            for number in numbers {
                if let Some(finding) =
                    self.findings.get_mut(*number).filter(|finding| finding.related.last() != Some(&own))
                {
                    finding.related.push(own.clone());
                }
                entry.elsewhere.push(*number);
            }
            blamed.insert(unread);
        }
        blamed
    }
}
