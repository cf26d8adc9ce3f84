//! Where the parts of a document stand.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use serde_json::Value;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
pub struct Mark {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The bytes of the file before it.
    #[serde(skip)]
    pub offset: usize,
}

/// Where a value stands, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spot {
    /// Where its name begins, if it has one.
    pub name: Option<Mark>,
    /// Where it begins.
    pub start: Mark,
    /// Behind its last character.
    pub end: Mark,
    /// The fields of an object.
    pub fields: BTreeMap<String, Spot>,
    /// The entries of a list.
    pub items: Vec<Spot>,
}

/// Where a document stops being YAML, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYaml {
    /// Where.
    pub mark: Mark,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for NotYaml {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.mark.line, self.mark.column, self.problem)
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(untagged)]
pub enum Step {
    /// Into an object's field.
    Field(String),
    /// Into a list's entry.
    Item(usize),
}

impl Step {
    /// The step into a field.
    #[must_use]
    pub fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }
}

impl Spot {
    /// What stands at one step below.
    #[must_use]
    pub fn step(&self, step: &Step) -> Option<&Self> {
        match step {
            Step::Field(name) => self.fields.get(name),
            Step::Item(index) => self.items.get(*index),
        }
    }

    /// What stands at `path`.
    #[must_use]
    pub fn at(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, Self::step)
    }

    /// The last part on the way along `path` that is there, and whether that is all of it.
    #[must_use]
    pub fn along(&self, path: &[Step]) -> (&Self, bool) {
        let mut spot = self;
        for step in path {
            match spot.step(step) {
                Some(next) => spot = next,
                None => return (spot, false),
            }
        }
        (spot, true)
    }

    /// Where it begins, with its name.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.name.unwrap_or(self.start)
    }

    /// What is underlined of it: a scalar with its name, or the name alone of what is long.
    #[must_use]
    pub fn range(&self) -> (Mark, Mark) {
        match self.name {
            Some(name) if self.start.line != self.end.line && !self.is_scalar() => (name, self.start),
            Some(name) => (name, self.end),
            None => (self.start, self.end),
        }
    }

    fn is_scalar(&self) -> bool {
        self.fields.is_empty() && self.items.is_empty()
    }
}

/// The value at `path`, where there is one.
#[must_use]
pub fn value_at<'v>(value: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Item(index) => value.get(*index),
    })
}

/// Goes through a value and everything in it, each with its path, in the order of names and entries. `visit` says whether to go into it.
pub fn walk<'v>(value: &'v Value, path: &mut Vec<Step>, visit: &mut dyn FnMut(&[Step], &'v Value) -> bool) {
    if !visit(path, value) {
        return;
    }
    let mut inside = |step, value| {
        path.push(step);
        walk(value, path, visit);
        path.pop();
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| inside(Step::field(name), value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| inside(Step::Item(index), value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The steps of a path as kubectl writes it: `spec.containers[0]`, `metadata.annotations["a/b"]`.
#[must_use]
pub fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            let (name, after) = inner.split_once("\"]").unwrap_or((inner, ""));
            steps.push(Step::field(name));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').unwrap_or((inner, ""));
            steps.push(index.parse().map_or_else(|_| Step::field(index), Step::Item));
            rest = after;
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(rest);
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            let (name, after) = inner.split_at(end);
            if !name.is_empty() {
                steps.push(Step::field(name));
            }
            rest = after;
        }
    }
    steps
}

/// A path as kubectl writes it.
#[must_use]
pub fn written(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        // Writing to a text cannot fail.
        let _ = match step {
            Step::Item(index) => write!(out, "[{index}]"),
            Step::Field(name) if name.contains(['.', '/', '[', '"', ' ']) => write!(out, "[\"{name}\"]"),
            Step::Field(name) if out.is_empty() => write!(out, "{name}"),
            Step::Field(name) => write!(out, ".{name}"),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_as_it_writes_them() {
        for path in ["spec.containers[0].env[12].value", "metadata.annotations[\"a.b/c\"]", "spec", ""] {
            assert_eq!(written(&steps(path)), path);
        }
    }
}
