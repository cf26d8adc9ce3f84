//! From the answers, one after another, to entries and findings.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::{Entry, Options, Outcome, surroundings::Surroundings};
use crate::{
    accounts::Accounts,
    finding::{Finding, Location, Related, Severity},
    kinds::{account_name, is_account, is_pod, name_of, use_label},
    object::Object,
    policy::{self, Examination, GetResource},
    presented::{annotated, of_account, presented},
    question::{About, Question, is_unexpanded},
};

/// The policy's rule for a ServiceAccount that its host does not answer with as one.
pub(super) const UNREAD: &str = "look-up-malformed";

/// For how many missing accounts it is looked what may be meant.
pub(super) const MEANT_MAX: usize = 200;

/// What makes two findings the same: the rule, the object, the container, the message, and the object's place.
type Key = (String, String, Option<String>, String, Option<(Arc<str>, usize)>);

pub(super) struct Finishing<'a> {
    pub(super) objects: &'a [Object],
    pub(super) accounts: &'a Accounts,
    pub(super) surroundings: Surroundings<'a>,
    pub(super) settings: &'a Value,
    pub(super) options: &'a Options,
    pub(super) entries: Vec<Entry>,
    pub(super) findings: Vec<Finding>,
    pub(super) known: HashMap<Key, usize>,
    /// Findings of a ServiceAccount that its own question reported.
    pub(super) reported: BTreeSet<usize>,
    /// What may be meant by accounts that are not among the files.
    pub(super) meant: RefCell<HashMap<(String, String), Option<String>>>,
}

impl Finishing<'_> {
    pub(super) fn add(&mut self, question: Question, answer: Examination) {
        let Some(object) = self.objects.get(question.object) else { return };
        let own = object.title(&self.options.namespace);
        let mut here = Vec::new();
        let mut elsewhere = Vec::new();
        let not_given =
            answer.look_ups.first().filter(|look_up| self.accounts.is_not_given(look_up)).cloned();
        for found in &answer.findings {
            for mut finding in self.findings_of(&question, object, &own, found, not_given.as_ref()) {
                if !self.conditional(&mut finding, found, &question) {
                    continue;
                }
                if matches!(finding.rule.as_str(), "other-token-file" | "token-file-in-arguments") {
                    finding.fix = finding.fix.map(|fix| {
                        format!("{fix}, or annotate the pod with azure.workload.identity/layout: Legacy")
                    });
                }
                let (index, is_new) = self.note(finding, object, &own);
                if matches!(question.about, About::Whole | About::MadeAccount)
                    && question.asked.kind == "ServiceAccount"
                {
                    self.reported.insert(index);
                }
                if is_new { &mut here } else { &mut elsewhere }.push(index);
            }
        }
        let is_said = !matches!(question.about, About::Metadata | About::Stray(_) | About::MadeAccount);
        let why = self.why(&question, object, &own, &answer, not_given.as_ref(), &mut here, &mut elsewhere);
        if !is_said {
            // What is said about the object's metadata stands before its pods.
            self.pending(question, here);
            return;
        }
        let before = question.request.get("object").cloned().unwrap_or_default();
        let Examination { response, omitted, .. } = answer;
        let after = response.mutated_object.filter(|_| response.accepted).unwrap_or_else(|| before.clone());
        let audit = response.audit_annotations.unwrap_or_default();
        let is_open = not_given.is_some() && is_cluster_scoped(&question, object);
        let outcome = match (response.accepted, before == after) {
            (false, _) if !is_open => Outcome::Refused,
            (true, false) => Outcome::Identity,
            (true, true) | (false, _) => Outcome::Untouched,
        };
        if response.accepted && !audit.is_empty() && is_pod(&before) {
            for finding in self.around(&question, object, &own, (&before, &after)) {
                let (index, is_new) = self.note(finding, object, &own);
                if is_new { &mut here } else { &mut elsewhere }.push(index);
            }
        }
        let presents = response.accepted && !is_of_a_variable(&question);
        let mut presented = if presents {
            presented(self.options.issuer.as_deref(), self.settings, &audit, &after)
        } else {
            Vec::new()
        };
        if presents && presented.is_empty() && is_account(&before) {
            let issuer = self.options.issuer.as_deref();
            let namespace = question.asked.namespace.as_deref().unwrap_or_default();
            let own = (namespace, name_of(&before));
            presented.extend(annotated(&before).and_then(|id| of_account(issuer, self.settings, own, id)));
        }
        let Question { about, object, asked: title, heading, pod, .. } = question;
        let template = pod.and_then(|pod| match &pod.origins[..] {
            [(from, to)] if from.is_empty() => Some(to.clone()),
            _ => None,
        });
        self.entries.push(Entry {
            about,
            object,
            title,
            heading,
            outcome,
            before,
            after,
            audit,
            why,
            findings: here,
            elsewhere,
            omitted,
            presented,
            template,
        });
    }

    /// Findings without an entry of their own: an entry for them alone, which prints no outcome.
    fn pending(&mut self, question: Question, here: Vec<usize>) {
        if here.is_empty() {
            return;
        }
        let Some(object) = self.objects.get(question.object) else { return };
        let Question { about, object: index, .. } = question;
        self.entries.push(Entry {
            about,
            object: index,
            title: object.title(&self.options.namespace),
            heading: None,
            outcome: Outcome::Untouched,
            before: Value::Null,
            after: Value::Null,
            audit: std::collections::BTreeMap::new(),
            why: None,
            findings: here,
            elsewhere: Vec::new(),
            omitted: 0,
            presented: Vec::new(),
            template: None,
        });
    }

    /// The document that a place is in: of one object all findings are in one.
    fn place_of(location: &Location) -> (Arc<str>, usize) {
        (Arc::clone(&location.file), location.document)
    }

    /// Notes a finding; its index, and whether it is new. What other objects report again is named in it.
    pub(super) fn note(&mut self, finding: Finding, object: &Object, own: &policy::Object) -> (usize, bool) {
        let about =
            if finding.rule == "account-not-given" { String::new() } else { finding.object.to_string() };
        // An account that is not given has no place of its own.
        let place = (!about.is_empty()).then(|| Self::place_of(&finding.location));
        let key = (finding.rule.clone(), about, finding.container.clone(), finding.message.clone(), place);
        if let Some(index) = self.known.get(&key) {
            if let Some(known) = self.findings.get_mut(*index)
                && known.object != *own
            {
                let one = Related { object: own.to_string(), location: object.location(&[]) };
                // Its questions follow one another.
                if known.related.last() != Some(&one) {
                    known.related.push(one);
                }
            }
            return (*index, false);
        }
        let mut finding = finding;
        if finding.object.kind == "ServiceAccount" && finding.object != *own && finding.related.is_empty() {
            finding.related.push(Related { object: own.to_string(), location: object.location(&[]) });
        }
        self.known.insert(key, self.findings.len());
        self.findings.push(finding);
        (self.findings.len() - 1, true)
    }

    /// For a pod that the policy does not change: the reason, unless a finding already gives it.
    #[allow(clippy::too_many_arguments)]
    fn why(
        &mut self,
        question: &Question,
        object: &Object,
        own: &policy::Object,
        answer: &Examination,
        not_given: Option<&GetResource>,
        here: &mut Vec<usize>,
        elsewhere: &mut Vec<usize>,
    ) -> Option<String> {
        let before = question.request.get("object")?;
        if !is_pod(before) || !answer.response.accepted {
            return None;
        }
        if answer.response.mutated_object.as_ref().is_some_and(|after| after != before) {
            return None;
        }
        match question.request.get("operation").and_then(Value::as_str) {
            Some("CREATE") | None => {}
            Some(operation) => {
                return Some(format!(
                    "an {operation} never changes a pod: it gets its identity when it is created; create it again"
                ));
            }
        }
        if answer.response.audit_annotations.is_some() {
            return Some("it has its identity already".to_owned());
        }
        if use_label(before) == Some("false") {
            return Some("its label azure.workload.identity/use is \"false\"".to_owned());
        }
        if let Some(look_up) = not_given {
            let finding = self.not_given(question, object, look_up);
            let (index, is_new) = self.note(finding, object, own);
            if is_new { here } else { elsewhere }.push(index);
            return None;
        }
        let says = here.iter().chain(elsewhere.iter()).any(|index| {
            self.findings.get(*index).is_some_and(|finding| finding.severity == Severity::Warning)
        });
        let names_one = account_name(before) != "default";
        let why = if names_one {
            "neither the pod nor its ServiceAccount has the label"
        } else {
            "the pod has no label, and names no ServiceAccount"
        };
        (!says).then(|| why.to_owned())
    }
    /// What is about a ServiceAccount is said at its own entry, if that has it, too.
    pub(super) fn place(&mut self) {
        let homes: HashMap<String, usize> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| is_account(&entry.before))
            .map(|(index, entry)| (entry.title.to_string(), index))
            .collect();
        let mut moved = Vec::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let (stay, go): (Vec<usize>, Vec<usize>) =
                std::mem::take(&mut entry.findings).into_iter().partition(|number| {
                    let finding = self.findings.get(*number);
                    let home = finding.and_then(|finding| homes.get(&finding.object.to_string()));
                    let belongs = self.reported.contains(number)
                        || finding.is_some_and(|finding| finding.rule == "no-label");
                    home.is_none_or(|home| *home == index || !belongs)
                });
            entry.findings = stay;
            entry.elsewhere.extend(&go);
            moved.extend(go);
        }
        for number in moved {
            let home = self.findings.get(number).and_then(|finding| homes.get(&finding.object.to_string()));
            if let Some(entry) = home.and_then(|home| self.entries.get_mut(*home)) {
                entry.elsewhere.retain(|known| *known != number);
                if !entry.findings.contains(&number) {
                    entry.findings.push(number);
                }
            }
        }
    }
}

/// Whether it is about pods of an object that names no namespace, as a cluster-scoped one: which account its pods get, the files don't say.
pub(super) fn is_cluster_scoped(question: &Question, object: &Object) -> bool {
    question.about == About::Pod && object.value.pointer("/metadata/namespace").is_none()
}

/// Whether the names of what is asked about are still to be replaced.
pub(super) fn is_of_a_variable(question: &Question) -> bool {
    let names = [&question.asked.namespace, &question.asked.name].into_iter().flatten();
    names.into_iter().any(|text| is_unexpanded(text))
}
