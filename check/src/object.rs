//! The Kubernetes objects of the files, each with its place: lists are opened, and what objects contain.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    finding::{Finding, Location, Severity},
    kinds::{is_account, judged, kind, name_of, namespace_of},
    policy,
    yaml::{self, Document, Mark, Spot, Step, value_at, walk, written},
};

/// A Kubernetes object, and where it is from.
#[derive(Debug, Clone)]
pub struct Object {
    /// The file, `-` for standard input.
    pub file: Arc<str>,
    /// The file of a chart that Helm made it of.
    pub source: Option<Arc<str>>,
    /// The number of its document there, from 1.
    pub document: usize,
    /// Where it is in the document: in a list, or in an object around it.
    pub within: Vec<Step>,
    /// Whether another object contains it, which is no list: it does not come out for itself.
    pub is_contained: bool,
    /// The object.
    pub value: Value,
    /// Where everything in it stands.
    pub spot: Spot,
    /// The first character of its document, and the one behind its last.
    pub range: (Mark, Mark),
}

impl Object {
    /// A part of it, as an object of its own.
    fn part(&self, value: Value, spot: Spot, within: Vec<Step>) -> Self {
        Self {
            file: Arc::clone(&self.file),
            source: self.source.clone(),
            document: self.document,
            within,
            is_contained: self.is_contained,
            value,
            spot,
            range: self.range,
        }
    }

    /// The object, by its names.
    #[must_use]
    pub fn title(&self, namespace: &str) -> policy::Object {
        let name = name_of(&self.value);
        let star = if self.value.pointer("/metadata/name").is_none() && !name.is_empty() { "*" } else { "" };
        let is_namespaced =
            self.value.pointer("/metadata/namespace").is_some() || judged(&self.value).is_some();
        policy::Object {
            kind: kind(&self.value).to_owned(),
            namespace: is_namespaced.then(|| namespace_of(&self.value, namespace).to_owned()),
            name: Some(format!("{name}{star}")),
        }
    }

    /// The place of `path` in it, or of as much of that as is there.
    #[must_use]
    pub fn location(&self, path: &[Step]) -> Location {
        let (spot, _) = self.spot.along(path);
        let (start, end) =
            if std::ptr::eq(spot, &raw const self.spot) { (spot.start, spot.start) } else { spot.range() };
        Location {
            file: Arc::clone(&self.file),
            source: self.source.clone(),
            document: self.document,
            start,
            end,
        }
    }

    /// A finding about it.
    #[must_use]
    pub fn finding(
        &self,
        namespace: &str,
        severity: Severity,
        rule: &str,
        path: &[Step],
        message: String,
    ) -> Finding {
        Finding {
            severity,
            rule: rule.to_owned(),
            object: self.title(namespace),
            path: (!path.is_empty()).then(|| written(path)),
            container: None,
            message,
            fix: None,
            paste: None,
            location: self.location(path),
            related: Vec::new(),
        }
    }
}

/// What was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Where.
    pub location: Location,
    /// What it is, and why.
    pub text: String,
}

/// What templates have, of Helm and of others.
const TEMPLATE: [&str; 2] = ["{{", "{%"];

/// What the files hold.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// The objects, in their order.
    pub objects: Vec<Object>,
    /// What was passed over, and why.
    pub passed_over: Vec<PassedOver>,
    /// What could not be read, and what is likely not meant.
    pub findings: Vec<Finding>,
}

impl Manifests {
    /// Adds the documents of a file's text.
    pub fn add(&mut self, file: &str, text: &str) {
        let file: Arc<str> = Arc::from(file);
        for Document { number, start, end, source, content, doubts } in yaml::documents(text) {
            let source: Option<Arc<str>> = source.as_deref().map(Arc::from);
            let place = |mark| Location {
                file: Arc::clone(&file),
                source: source.clone(),
                document: number,
                start: mark,
                end: mark,
            };
            match content {
                Ok((value, spot)) => {
                    let before = self.objects.len();
                    let object = Object {
                        file: Arc::clone(&file),
                        source: source.clone(),
                        document: number,
                        within: Vec::new(),
                        is_contained: false,
                        value,
                        spot,
                        range: (start, end),
                    };
                    self.add_value(object, text);
                    // A doubt is about an object of Kubernetes: other files have rules of their own.
                    if self.objects.len() > before {
                        let doubts = doubts.into_iter().map(|doubt| {
                            of_file(Severity::Warning, "doubtful", place(doubt.mark), doubt.text)
                        });
                        self.findings.extend(doubts);
                    }
                }
                Err(error) => {
                    let mut finding =
                        of_file(Severity::Error, "not-readable", place(error.mark), error.problem);
                    finding.fix = TEMPLATE.iter().any(|mark| text.contains(mark)).then(|| {
                        "it looks like a template: render it first, with helm template for a chart".to_owned()
                    });
                    self.findings.push(finding);
                }
            }
        }
    }

    /// Notes what could not be read at all.
    pub fn not_readable(&mut self, file: &str, problem: String) {
        self.findings.push(of_file(Severity::Error, "not-readable", nowhere(file), problem));
    }

    /// Notes what was not looked at.
    pub fn pass_over(&mut self, file: &str, text: String) {
        self.passed_over.push(PassedOver { location: nowhere(file), text });
    }

    /// Notes what is no object of Kubernetes: once a file, however much of it there is.
    fn pass_over_value(&mut self, object: &Object) {
        let text = "not a Kubernetes object (it has no apiVersion and kind)";
        let is_known = self
            .passed_over
            .last()
            .is_some_and(|last| last.location.file == object.file && last.text == text);
        if !is_known {
            self.passed_over.push(PassedOver { location: object.location(&[]), text: text.to_owned() });
        }
    }

    fn add_value(&mut self, object: Object, text: &str) {
        match &object.value {
            Value::Null => {}
            // A list of objects, as jq and other tools print it.
            Value::Array(items) => self.add_items(&object, items, &[], text),
            value @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                let is_text = |name| value.get(name).is_some_and(Value::is_string);
                if !is_text("kind") || !is_text("apiVersion") {
                    self.pass_over_value(&object);
                    return;
                }
                match value.get("items") {
                    Some(Value::Array(items)) if kind(value).ends_with("List") => {
                        self.add_items(&object, items, &[Step::field("items")], text);
                    }
                    _ => self.add_object(object, text),
                }
            }
        }
    }

    fn add_items(&mut self, list: &Object, items: &[Value], at: &[Step], text: &str) {
        for (index, item) in items.iter().enumerate() {
            let path: Vec<Step> = at.iter().cloned().chain([Step::Item(index)]).collect();
            let spot = list.spot.along(&path).0.clone();
            let within = list.within.iter().cloned().chain(path).collect();
            let inner = list.part(item.clone(), spot, within);
            self.add_value(inner, text);
        }
    }

    fn add_object(&mut self, mut object: Object, text: &str) {
        self.unquoted(&mut object, text);
        let is_opened = !crate::kinds::is_policy(&object.value)
            && judged(&object.value).is_none()
            && kind(&object.value) != "AdmissionReview";
        let contained = if is_opened { contained(&object.value) } else { Vec::new() };
        let inner = contained.into_iter().filter_map(|path| {
            let value = value_at(&object.value, &path)?;
            let spot = object.spot.along(&path).0.clone();
            let within = object.within.iter().cloned().chain(path).collect();
            Some(Object { is_contained: true, ..object.part(value.clone(), spot, within) })
        });
        let inner: Vec<Object> = inner.collect();
        self.objects.push(object);
        for mut object in inner {
            self.unquoted(&mut object, text);
            self.objects.push(object);
        }
    }

    /// Metadata that is a text for Kubernetes and none in YAML, as `namespace: no`: it counts as what was written, and is told.
    fn unquoted(&mut self, object: &mut Object, text: &str) {
        for name in ["name", "namespace", "generateName"] {
            let path = [Step::field("metadata"), Step::field(name)];
            let Some(Value::Bool(_) | Value::Number(_)) = object.value.pointer(&format!("/metadata/{name}"))
            else {
                continue;
            };
            let Some(spot) = object.spot.at(&path) else { continue };
            let written = text.get(spot.start.offset..spot.end.offset).unwrap_or_default().to_owned();
            if let Some(value) = object.value.pointer_mut(&format!("/metadata/{name}")) {
                *value = Value::from(written.clone());
            }
            let message = format!(
                "metadata.{name} is {written} without quotes, which is no text in YAML: the API server refuses it"
            );
            let mut finding = object.finding("", Severity::Error, "unquoted", &path, message);
            finding.fix = Some("put it in quotes".to_owned());
            finding.paste = Some(format!("metadata: {{{name}: {}}}", Value::from(written)));
            self.findings.push(finding);
        }
    }

    /// Notes `ServiceAccounts` that are there twice with different content: overlays of several environments, say.
    pub fn same_accounts(&mut self, namespace: &str) {
        let mut seen: BTreeMap<(&str, &str), &Object> = BTreeMap::new();
        for account in self.objects.iter().filter(|object| is_account(&object.value)) {
            let key = (namespace_of(&account.value, namespace), name_of(&account.value));
            if let Some(before) = seen.insert(key, account).filter(|before| before.value != account.value) {
                let message = format!(
                    "is there twice with different content, and the last one counts: the other is at {}",
                    before.location(&[])
                );
                self.findings.push(account.finding(namespace, Severity::Warning, "doubtful", &[], message));
            }
        }
    }
}

/// A finding of a file as such.
#[must_use]
pub fn of_file(severity: Severity, rule: &str, location: Location, message: String) -> Finding {
    Finding {
        severity,
        rule: rule.to_owned(),
        object: policy::Object::default(),
        path: None,
        container: None,
        message,
        fix: None,
        paste: None,
        location,
        related: Vec::new(),
    }
}

/// A file, without a place in it.
#[must_use]
pub fn nowhere(file: &str) -> Location {
    Location {
        file: Arc::from(file),
        source: None,
        document: 0,
        start: Mark::default(),
        end: Mark::default(),
    }
}

/// The paths of whole objects of Kubernetes, of kinds that the policy judges, in another object.
fn contained(object: &Value) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    walk(object, &mut Vec::new(), &mut |path, value| {
        let is_whole = !path.is_empty()
            && judged(value).is_some()
            && value.get("metadata").is_some_and(Value::is_object);
        if is_whole {
            found.push(path.to_vec());
        }
        !is_whole
    });
    found
}
