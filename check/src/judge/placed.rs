//! What the policy found, with the object that has it in the files, and where it stands there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Outcome,
    finishing::Finishing,
    surroundings::{self, Credential, OLD_PATH, Stands},
};
use crate::{
    accounts::Elsewhere,
    finding::{Finding, Related, Severity},
    kinds::{is_account, is_pod},
    object::Object,
    policy::{self, GetResource},
    question::{About, Question, is_unexpanded},
    yaml::{Step, steps, value_at, written},
};

impl Finishing<'_> {
    /// What the policy found, with the object that has it in the files.
    pub(super) fn findings_of(
        &self,
        question: &Question,
        object: &Object,
        own: &policy::Object,
        found: &policy::Finding,
        not_given: Option<&GetResource>,
    ) -> Vec<Finding> {
        let path = steps(found.path.as_deref().unwrap_or_default());
        if let About::Stray(stray) = &question.about {
            // Only what is said of a name that stands there, wherever it belongs.
            if found.rule.ends_with("-misplaced") {
                return Vec::new();
            }
            let finding = |path: Vec<Step>| {
                let severity = Severity::Warning;
                let message = match found.severity {
                    Severity::Error => format!("{}: a ServiceAccount with it will be refused", found.message),
                    Severity::Warning | Severity::Unknown => found.message.clone(),
                };
                let mut finding =
                    object.finding(&self.options.namespace, severity, &found.rule, &path, message);
                finding.fix =
                    found.fix.clone().filter(|_| found.manifest.is_none() && found.command.is_none());
                finding
            };
            return stray.paths(&path).into_iter().map(finding).collect();
        }
        if let Some(look_up) =
            not_given.filter(|_| matches!(found.rule.as_str(), "no-service-account" | "workload-unread"))
        {
            // The refusal's own question names it; the workload's says the same.
            return if found.severity == Severity::Error {
                vec![self.not_given(question, object, look_up)]
            } else {
                Vec::new()
            };
        }
        let is_own = found.object.kind == question.asked.kind && found.object.kind != "ServiceAccount"
            || found.object == question.asked
            || found.object.kind.is_empty();
        let account = (found.object.kind == "ServiceAccount").then(|| {
            (
                found.object.namespace.clone().unwrap_or_default(),
                found.object.name.clone().unwrap_or_default(),
            )
        });
        let account = account.and_then(|key| self.accounts.found.get(&key));
        let mut finding =
            if let Some(account) = account.filter(|_| !is_own || question.about == About::MadeAccount) {
                self.of_account(account, found, &path)
            } else {
                let origin = origin(question, &path);
                let mut finding = object.finding(
                    &self.options.namespace,
                    found.severity,
                    &found.rule,
                    origin.as_deref().unwrap_or_default(),
                    found.message.clone(),
                );
                finding.object = match (is_own, &question.about) {
                    (true, About::Whole) => question.asked.clone(),
                    (true, _) => own.clone(),
                    (false, _) => found.object.clone(),
                };
                finding
            };
        finding.container.clone_from(&found.container);
        let is_made = account.is_some_and(|account| account.within.is_some());
        if is_made && found.severity == Severity::Error {
            // A command would change what the operator made, and not what it makes it of.
            finding.fix = Some("correct it there: the operator makes the ServiceAccount of it".to_owned());
            return vec![finding];
        }
        finding.paste = [&found.command, &found.manifest, &found.link].into_iter().flatten().next().cloned();
        finding.fix.clone_from(&found.fix);
        if found.rule == "no-service-account" && self.options.elsewhere == Elsewhere::Cluster {
            let key = question
                .request
                .pointer("/object/spec/serviceAccountName")
                .and_then(Value::as_str)
                .map(|name| (question.asked.namespace.clone().unwrap_or_default(), name.to_owned()));
            if let Some((key, meant)) = key.and_then(|key| Some((key.clone(), self.accounts.meant(&key)?))) {
                // To create one more would hide the mistake.
                finding.message = format!(
                    "its ServiceAccount {}/{} is neither among the files nor in the cluster",
                    key.0, key.1
                );
                (finding.fix, finding.paste) = (Some(meant), None);
            }
        }
        if question.about == About::Metadata
            && let (Some(pod), Some(fix)) = (&question.pod, &mut finding.fix)
        {
            *fix = fix.replace("spec.template.metadata", &written(&pod.metadata));
        }
        self.is_no_label(&mut finding, question, object, own);
        is_variable(&mut finding, found);
        vec![finding]
    }

    fn of_account(
        &self,
        account: &crate::accounts::Account,
        found: &policy::Finding,
        path: &[Step],
    ) -> Finding {
        let object = self.objects.get(account.object);
        let path: Vec<Step> = match (&account.within, path) {
            (Some(within), [_, rest @ ..]) => within.iter().chain(rest).cloned().collect(),
            _ => path.to_vec(),
        };
        let mut finding = object.map_or_else(
            || {
                crate::object::of_file(
                    found.severity,
                    &found.rule,
                    crate::object::nowhere(""),
                    found.message.clone(),
                )
            },
            |object| {
                object.finding(
                    &self.options.namespace,
                    found.severity,
                    &found.rule,
                    &path,
                    found.message.clone(),
                )
            },
        );
        finding.object = found.object.clone();
        finding
    }

    /// A pod without the label, whose ServiceAccount names an identity and has none either: that is one finding, at the ServiceAccount.
    fn is_no_label(&self, finding: &mut Finding, question: &Question, object: &Object, own: &policy::Object) {
        if finding.rule != "no-label" {
            return;
        }
        let named = [
            "/object/spec/serviceAccountName",
            "/object/spec/template/spec/serviceAccountName",
            "/object/spec/jobTemplate/spec/template/spec/serviceAccountName",
        ];
        let name = named
            .iter()
            .find_map(|path| question.request.pointer(path)?.as_str())
            .filter(|name| !name.is_empty())
            .unwrap_or("default");
        let namespace = question.asked.namespace.clone().unwrap_or_default();
        let Some(account) = self.accounts.found.get(&(namespace.clone(), name.to_owned())) else { return };
        let Some(there) = self
            .objects
            .get(account.object)
            .filter(|there| account.within.is_none() && is_account(&there.value))
        else {
            return;
        };
        if there.value.pointer("/metadata/annotations/azure.workload.identity~1client-id").is_none() {
            return;
        }
        let path = steps("metadata.labels[\"azure.workload.identity/use\"]");
        let message = "names an identity that not all of its pods get: neither it nor these pods have the label azure.workload.identity/use".to_owned();
        *finding = there.finding(&self.options.namespace, Severity::Warning, "no-label", &path, message);
        finding.object = policy::Object {
            kind: "ServiceAccount".to_owned(),
            namespace: Some(namespace),
            name: Some(name.to_owned()),
        };
        finding.fix = Some("add the label, or \"false\" where it is meant so".to_owned());
        finding.paste = Some("metadata: {labels: {azure.workload.identity/use: \"true\"}}".to_owned());
        finding.related.push(Related { object: own.to_string(), location: object.location(&[]) });
    }

    /// What other objects of the files say of a pod that gets its identity, or has it.
    pub(super) fn around(
        &self,
        question: &Question,
        object: &Object,
        own: &policy::Object,
        (before, after): (&Value, &Value),
    ) -> Vec<Finding> {
        let namespace = question.asked.namespace.as_deref().unwrap_or_default();
        let stands = surroundings::around(&self.surroundings, namespace, before, after);
        let placed = stands.into_iter().map(|Stands { rule, message, fix, path, container }| {
            let path = origin(question, &steps(&path)).unwrap_or_default();
            let mut finding =
                object.finding(&self.options.namespace, Severity::Warning, rule, &path, message);
            finding.object = own.clone();
            finding.container = container;
            finding.fix = Some(fix.to_owned());
            finding
        });
        placed.collect()
    }

    /// The policy's finding that a credential is there, with the condition on which it is. `false` where the files show that it is not.
    pub(super) fn conditional(
        &self,
        finding: &mut Finding,
        found: &policy::Finding,
        question: &Question,
    ) -> bool {
        if finding.rule != "credential-wins" {
            return true;
        }
        // Where the policy saw it: `…containers[0].env[2]`, in the pod or in the workload.
        let path = steps(found.path.as_deref().unwrap_or_default());
        let object = question.request.get("object").unwrap_or(&Value::Null);
        let container = path.get(..path.len().saturating_sub(2)).and_then(|path| value_at(object, path));
        let variable = value_at(object, &path).and_then(|env| env.get("name")?.as_str());
        let Some((container, variable)) = container.zip(variable) else { return true };
        let namespace = question.asked.namespace.as_deref().unwrap_or_default();
        let condition = match surroundings::credential(&self.surroundings, namespace, container, variable) {
            Credential::Certain => return true,
            Credential::Absent => return false,
            Credential::There => String::new(),
            Credential::If(condition) => format!(" if {condition}"),
        };
        finding.message = format!("has {variable}{condition}, which DefaultAzureCredential tries first");
        true
    }

    /// The token's old path in objects that are no pods: `ConfigMaps`, and the fields of custom resources.
    pub(super) fn old_paths(&mut self) {
        let layout = self.settings.get("layout").and_then(Value::as_str);
        let pods = || self.entries.iter().filter(|entry| is_pod(&entry.before));
        // A pod that brings its own token there has it.
        let is_there =
            layout == Some("Legacy") || pods().any(|entry| surroundings::has_old_path(&entry.after));
        if is_there || !pods().any(|entry| entry.outcome == Outcome::Identity) {
            return;
        }
        let has_pod: BTreeSet<usize> = pods().map(|entry| entry.object).collect();
        for (index, object) in self.objects.iter().enumerate() {
            if has_pod.contains(&index) || is_account(&object.value) {
                continue;
            }
            for path in surroundings::old_paths(&object.value) {
                let message = format!(
                    "names the token's path of webhooks up to 1.5, {OLD_PATH}: with layout {} no pod has it",
                    layout.unwrap_or("PerPod")
                );
                let severity = Severity::Warning;
                let mut finding =
                    object.finding(&self.options.namespace, severity, "old-token-path", &path, message);
                finding.fix = Some("leave it out, if the program then reads AZURE_FEDERATED_TOKEN_FILE, or annotate its pods with azure.workload.identity/layout: Legacy".to_owned());
                self.findings.push(finding);
            }
        }
    }
}

/// The path in the object of the files.
pub(super) fn origin(question: &Question, path: &[Step]) -> Option<Vec<Step>> {
    match (&question.about, &question.pod) {
        (About::Workload, _) | (_, None) => Some(path.to_vec()),
        (_, Some(pod)) => pod.origin(path),
    }
}

/// An ID that is still a variable is none yet, and a literal in its place would be wrong.
pub(super) fn is_variable(finding: &mut Finding, found: &policy::Finding) {
    if finding.rule.ends_with("-malformed") && found.found.as_deref().is_some_and(is_unexpanded) {
        "unexpanded".clone_into(&mut finding.rule);
        finding.fix = Some("it is a variable that is still to be replaced: judge what comes out of envsubst, `flux envsubst` or `helm template`".to_owned());
        finding.paste = None;
    }
}
