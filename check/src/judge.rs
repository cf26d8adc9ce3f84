//! What the policy's answers say of the objects: an entry for each that is judged, and everything that was found, once each and where it is.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    accounts::{Accounts, Elsewhere},
    federated::{Presented, presented},
    finding::{Finding, Location, Related, Severity},
    kinds::{is_account, is_pod, kind, name_of, namespace_of, use_label},
    object::{Manifests, Object, PassedOver},
    policy::{self, Examination, GetResource},
    question::{About, Question, is_unexpanded, questions},
    yaml::{Step, steps, written},
};

/// What a run is about.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The namespace of objects that name none.
    pub namespace: String,
    /// The cluster's issuer, where it is known.
    pub issuer: Option<String>,
    /// What answers for `ServiceAccounts` that are not among the files.
    pub elsewhere: Elsewhere,
    /// What to do where one is not among the files.
    pub give: String,
}

/// The objects, and what the policy is to be asked about them.
#[derive(Debug)]
pub struct Plan {
    manifests: Manifests,
    accounts: Accounts,
    questions: Vec<Question>,
    settings: Value,
    options: Options,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It gets its identity.
    Identity,
    /// It stays as it is.
    Untouched,
    /// It is refused.
    Refused,
}

/// The result for an object, or for a pod that it would make.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is about.
    pub about: About,
    /// The object, by its index among those of the run.
    pub object: usize,
    /// Its names, as `Pod team/web-*`.
    pub title: policy::Object,
    /// What is said before it.
    pub heading: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// The object that was judged, and as it comes out.
    pub before: Value,
    /// The same object where nothing was changed.
    pub after: Value,
    /// What goes to the audit log.
    pub audit: std::collections::BTreeMap<String, String>,
    /// Why it is untouched, where no finding says so.
    pub why: Option<String>,
    /// The findings that are said here, by their indexes.
    pub findings: Vec<usize>,
    /// The findings that are said at another entry.
    pub elsewhere: Vec<usize>,
    /// How many findings the policy left out.
    pub omitted: usize,
    /// What it presents to Microsoft Entra.
    pub presented: Vec<Presented>,
    /// Where its template stands in the object, if all of it is in one place.
    pub template: Option<Vec<Step>>,
}

/// Everything about a run.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// The objects.
    pub objects: Vec<Object>,
    /// The results, in the order of the files.
    pub entries: Vec<Entry>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What was passed over.
    pub passed_over: Vec<PassedOver>,
    /// Those that are accepted, with the reason that their object gives.
    pub accepted: Vec<(Finding, String)>,
}

impl Plan {
    /// The questions about the manifests.
    #[must_use]
    pub fn new(mut manifests: Manifests, settings: Value, options: Options) -> Self {
        manifests.same_accounts(&options.namespace);
        let accounts = Accounts::new(&manifests.objects, &options.namespace, options.elsewhere.clone());
        let questions = questions(&mut manifests, &accounts, &options.namespace);
        Self { manifests, accounts, questions, settings, options }
    }

    /// How many questions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.questions.len()
    }

    /// Whether there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    /// The payload of a question, for the policy's function `findings`.
    #[must_use]
    pub fn payload(&self, index: usize) -> Option<String> {
        let question = self.questions.get(index)?;
        Some(json!({"request": question.request, "settings": self.settings}).to_string())
    }

    /// The answer to a look-up; `None` where the cluster is asked.
    #[must_use]
    pub fn look_up(&self, request: &GetResource) -> Option<Result<Vec<u8>, String>> {
        self.accounts.answer(request)
    }

    /// What was found, by the answers to all questions, in their order.
    #[must_use]
    pub fn finish(self, answers: Vec<Examination>) -> Judged {
        let Self { manifests, accounts, questions, settings, options } = self;
        let Manifests { objects, passed_over, findings } = manifests;
        let mut finishing = Finishing {
            objects: &objects,
            accounts: &accounts,
            settings: &settings,
            options: &options,
            entries: Vec::new(),
            findings,
            known: HashMap::new(),
            reported: BTreeSet::new(),
            meant: RefCell::default(),
        };
        for (question, answer) in questions.into_iter().zip(answers) {
            finishing.add(question, answer);
        }
        finishing.unused_accounts();
        finishing.place();
        let blamed = finishing.blame_accounts();
        let refused: BTreeSet<String> = finishing
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.object.to_string())
            .collect();
        let Finishing { entries, findings, .. } = finishing;
        let mut judged = Judged { objects, entries, findings, passed_over, accepted: Vec::new() };
        // That pods will be refused is said by what they are refused for.
        judged.keep(|finding| {
            let is_said = finding.rule == "pods-refused" && refused.contains(&finding.object.to_string());
            let is_blamed = finding.rule == UNREAD && blamed.contains(&finding.object.to_string());
            !is_said && !is_blamed
        });
        crate::accept::accept(&mut judged);
        judged
    }
}

/// The policy's rule for a ServiceAccount that its host does not answer with as one.
const UNREAD: &str = "look-up-malformed";

/// For how many missing accounts it is looked what may be meant.
const MEANT_MAX: usize = 200;

/// What makes two findings the same: the rule, the object, the container, the message, and the object's place.
type Key = (String, String, Option<String>, String, Option<(Arc<str>, usize)>);

struct Finishing<'a> {
    objects: &'a [Object],
    accounts: &'a Accounts,
    settings: &'a Value,
    options: &'a Options,
    entries: Vec<Entry>,
    findings: Vec<Finding>,
    known: HashMap<Key, usize>,
    /// Findings of a ServiceAccount that its own question reported.
    reported: BTreeSet<usize>,
    /// What may be meant by accounts that are not among the files.
    meant: RefCell<HashMap<(String, String), Option<String>>>,
}

impl Finishing<'_> {
    fn add(&mut self, question: Question, answer: Examination) {
        let Some(object) = self.objects.get(question.object) else { return };
        let own = object.title(&self.options.namespace);
        let mut here = Vec::new();
        let mut elsewhere = Vec::new();
        let not_given =
            answer.look_ups.first().filter(|look_up| self.accounts.is_not_given(look_up)).cloned();
        for found in &answer.findings {
            for finding in self.findings_of(&question, object, &own, found, not_given.as_ref()) {
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
        let presents = response.accepted && !is_of_a_variable(&question);
        let presented = if presents {
            presented(self.options.issuer.as_deref(), self.settings, &audit, &after)
        } else {
            Vec::new()
        };
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

    /// What the policy found, with the object that has it in the files.
    fn findings_of(
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

    /// A ServiceAccount that the files do not have, and that would decide.
    fn not_given(&self, question: &Question, object: &Object, look_up: &GetResource) -> Finding {
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
    fn meant(&self, key: (String, String)) -> Option<String> {
        let mut known = self.meant.borrow_mut();
        // Thousands that are missing are not misspelt.
        if known.len() >= MEANT_MAX && !known.contains_key(&key) {
            return None;
        }
        known.entry(key).or_insert_with_key(|key| self.accounts.meant(key)).clone()
    }

    /// The document that a place is in: of one object all findings are in one.
    fn place_of(location: &Location) -> (Arc<str>, usize) {
        (Arc::clone(&location.file), location.document)
    }

    /// Notes a finding; its index, and whether it is new. What other objects report again is named in it.
    fn note(&mut self, finding: Finding, object: &Object, own: &policy::Object) -> (usize, bool) {
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
        let names_one = before
            .pointer("/spec/serviceAccountName")
            .and_then(Value::as_str)
            .is_some_and(|name| !name.is_empty() && name != "default");
        let why = if names_one {
            "neither the pod nor its ServiceAccount has the label"
        } else {
            "the pod has no label, and names no ServiceAccount"
        };
        (!says).then(|| why.to_owned())
    }

    /// Pods that name no ServiceAccount, beside a labelled one that no pod uses.
    fn unused_accounts(&mut self) {
        let account = |entry: &Entry| {
            let name = entry
                .before
                .pointer("/spec/serviceAccountName")
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty());
            (entry.title.namespace.clone().unwrap_or_default(), name.unwrap_or("default").to_owned())
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
    fn blame_accounts(&mut self) -> BTreeSet<String> {
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

    /// What is about a ServiceAccount is said at its own entry, if that has it, too.
    fn place(&mut self) {
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
fn is_cluster_scoped(question: &Question, object: &Object) -> bool {
    question.about == About::Pod && object.value.pointer("/metadata/namespace").is_none()
}

/// Whether the names of what is asked about are still to be replaced.
fn is_of_a_variable(question: &Question) -> bool {
    let names = [&question.asked.namespace, &question.asked.name].into_iter().flatten();
    names.into_iter().any(|text| is_unexpanded(text))
}

/// The path in the object of the files.
fn origin(question: &Question, path: &[Step]) -> Option<Vec<Step>> {
    match (&question.about, &question.pod) {
        (About::Workload, _) | (_, None) => Some(path.to_vec()),
        (_, Some(pod)) => pod.origin(path),
    }
}

/// An ID that is still a variable is none yet, and a literal in its place would be wrong.
fn is_variable(finding: &mut Finding, found: &policy::Finding) {
    if finding.rule.ends_with("-malformed") && found.found.as_deref().is_some_and(is_unexpanded) {
        "unexpanded".clone_into(&mut finding.rule);
        finding.fix = Some("it is a variable that is still to be replaced: judge what comes out of envsubst, `flux envsubst` or `helm template`".to_owned());
        finding.paste = None;
    }
}

impl Judged {
    /// How many objects, pods, refusals and others there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let of = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        let is = |rule: &str| self.findings.iter().filter(|finding| finding.rule == rule).count();
        Counts {
            objects: self.objects.len(),
            pods: self.entries.iter().filter(|entry| is_pod(&entry.before)).count(),
            refused: self.entries.iter().filter(|entry| entry.outcome == Outcome::Refused).count(),
            warnings: of(Severity::Warning),
            unknown: of(Severity::Unknown),
            passed_over: self.passed_over.len(),
            not_readable: is("not-readable"),
            omitted: self.entries.iter().map(|entry| entry.omitted).sum(),
        }
    }

    /// Keeps the findings that `keep` is true of, and everything that refers to them.
    pub fn keep(&mut self, keep: impl Fn(&Finding) -> bool) {
        let kept: Vec<bool> = self.findings.iter().map(keep).collect();
        // The new index of each.
        let indexes: Vec<Option<usize>> = kept
            .iter()
            .scan(0, |next, kept| {
                let index = kept.then_some(*next);
                *next += usize::from(*kept);
                Some(index)
            })
            .collect();
        let mut each = kept.iter();
        self.findings.retain(|_| each.next().copied().unwrap_or(true));
        let renumber = |numbers: &mut Vec<usize>| {
            *numbers = numbers.iter().filter_map(|number| indexes.get(*number).copied().flatten()).collect();
        };
        for entry in &mut self.entries {
            renumber(&mut entry.findings);
            renumber(&mut entry.elsewhere);
        }
    }

    /// Where an entry's object is.
    #[must_use]
    pub fn location(&self, entry: &Entry) -> Option<Location> {
        Some(self.objects.get(entry.object)?.location(&[]))
    }

    /// Where the `ServiceAccounts` are among the files, by namespace and name.
    #[must_use]
    pub fn accounts(&self, default: &str) -> HashMap<(String, String), Location> {
        let accounts = self.objects.iter().filter(|object| is_account(&object.value));
        let key = |object: &Object| {
            (namespace_of(&object.value, default).to_owned(), name_of(&object.value).to_owned())
        };
        accounts.map(|object| (key(object), object.location(&[]))).collect()
    }
}

/// The counts of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// The objects.
    pub objects: usize,
    /// The pods among them, and those that workloads would make.
    pub pods: usize,
    /// What is refused.
    pub refused: usize,
    /// The warnings.
    pub warnings: usize,
    /// What can't be told.
    pub unknown: usize,
    /// What was passed over.
    pub passed_over: usize,
    /// What can't be read.
    pub not_readable: usize,
    /// Findings that the policy counted and did not list: more than a hundred of one object.
    pub omitted: usize,
}
