//! What the policy's answers say of the objects: an entry for each that is judged, and everything that was found, once each and where it is.

mod accounts;
mod finishing;
mod placed;
mod surroundings;

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use serde_json::{Value, json};

use self::{
    finishing::{Finishing, UNREAD},
    surroundings::Surroundings,
};
use crate::{
    accounts::{Accounts, Elsewhere},
    finding::{Finding, Location, Severity},
    kinds::{is_account, is_pod, name_of, namespace_of},
    object::{Manifests, Object, PassedOver},
    operators::{self, Asked},
    policy::{self, Examination, GetResource},
    presented::Presented,
    question::{About, Question, questions},
    yaml::Step,
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
    /// What operators ask for.
    pub asked: Vec<Asked>,
    /// The tokens of those whose client ID is known, each with its place among them.
    pub tokens: Vec<(Presented, usize)>,
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
            surroundings: Surroundings::new(&objects, &options.namespace),
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
        finishing.old_paths();
        finishing.place();
        let blamed = finishing.blame_accounts();
        let refused: BTreeSet<String> = finishing
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.object.to_string())
            .collect();
        let Finishing { entries, findings, .. } = finishing;
        let pods = entries.iter().filter(|entry| is_pod(&entry.before));
        let pods: Vec<(&str, &Value)> =
            pods.map(|entry| (entry.title.namespace.as_deref().unwrap_or_default(), &entry.before)).collect();
        let asked = operators::asked(&objects, &accounts, &pods, &options.namespace);
        let token = |one: &Asked| one.token(&accounts, options.issuer.as_deref(), &settings);
        let tokens = asked.iter().enumerate().filter_map(|(at, one)| Some((token(one)?, at))).collect();
        let told: BTreeSet<String> = asked
            .iter()
            .filter(|one| one.tells_client_id())
            .map(|one| one.account.clone())
            .chain(surroundings::told_elsewhere(&entries))
            .map(|(namespace, name)| {
                let kind = "ServiceAccount".to_owned();
                policy::Object { kind, namespace: Some(namespace), name: Some(name) }.to_string()
            })
            .collect();
        let mut judged =
            Judged { objects, entries, findings, passed_over, accepted: Vec::new(), asked, tokens };
        // That pods will be refused is said by what they are refused for.
        judged.keep(|finding| {
            let is_said = finding.rule == "pods-refused" && refused.contains(&finding.object.to_string());
            let is_blamed = finding.rule == UNREAD && blamed.contains(&finding.object.to_string());
            let is_told = finding.rule == "no-client-id" && told.contains(&finding.object.to_string());
            !is_said && !is_blamed && !is_told
        });
        judged
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
