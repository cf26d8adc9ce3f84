//! Reads the fields of settings, and gathers everything that is wrong with them.

use std::{borrow::Cow, fmt};

use crate::{
    json::{Json, text_of},
    tally::Tally,
    text::{Untrusted, nearest},
    value::parse::{Accepts, Choice},
};

/// A setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which, as `extraEnv[0].name`.
    pub path: Untrusted,
    /// What is wrong with it, as `is "x", which is not a UUID`.
    pub text: String,
}

impl Problem {
    /// Something else stands there than what would be accepted.
    pub(crate) fn unexpected(path: String, found: &str, expected: &str) -> Self {
        Self { path: path.into(), text: format!("is {found}; set it to {expected}") }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.path.plain(120), self.text)
    }
}

/// Most problems that are listed one by one. For very long settings that are wrong throughout, only the number of the others is given.
const PROBLEMS_MAX: usize = 25;

/// The problems of the settings, in one sentence each, as many as `max` bytes hold; the first one in any case.
#[must_use]
pub(crate) fn explain(problems: &Tally<Problem>, max: usize) -> String {
    let mut text = String::new();
    for (index, problem) in problems.first().iter().enumerate() {
        let next = problem.to_string();
        if index > 0 && (index == PROBLEMS_MAX || text.len() + next.len() > max) {
            return format!("{text}. {} more problems are not listed", problems.len() - index);
        }
        if index > 0 {
            text.push_str(". ");
        }
        text.push_str(&next);
    }
    text
}

/// What stands in a setting, for messages: settings hold no secrets.
#[must_use]
pub(crate) fn describe(json: &Json) -> String {
    match json {
        Json::Raw(raw) => text_of(raw)
            .map_or_else(|| Untrusted::from(raw.as_ref()).plain(80), |text| Untrusted::from(text).quoted()),
        Json::List(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

/// The fields of an object, as they came.
pub(crate) type RawFields<'j> = [(Cow<'j, str>, Json<'j>)];

/// Reads the fields of one object, and gathers what is wrong with them.
#[derive(Debug)]
pub(crate) struct Fields<'r> {
    path: &'r str,
    entries: &'r RawFields<'r>,
    problems: &'r mut Tally<Problem>,
}

impl<'r> Fields<'r> {
    /// Reads `fields`, whose names stand in messages behind `path`.
    pub(crate) fn new(path: &'r str, entries: &'r RawFields<'r>, problems: &'r mut Tally<Problem>) -> Self {
        Self { path, entries, problems }
    }

    /// What stands in the field `name`, null or not; the last one of that name.
    #[inline(never)]
    fn entry(&self, name: &str) -> Option<&'r Json<'r>> {
        self.entries.iter().rev().find(|(field, _)| field == name).map(|(_, json)| json)
    }

    /// The value of the field `name`; `None` where it is missing or null.
    #[must_use]
    #[inline(never)]
    pub(crate) fn value(&self, name: &str) -> Option<&'r Json<'r>> {
        self.entry(name).filter(|json| **json != Json::Raw(Cow::Borrowed("null")))
    }

    /// The text of a scalar as it stands in the JSON.
    #[must_use]
    pub(crate) fn scalar(&self, name: &str) -> Option<&'r str> {
        match self.value(name)? {
            Json::Raw(raw) => Some(raw),
            Json::Object(_) | Json::List(_) => None,
        }
    }

    /// The text of the string `name`.
    #[must_use]
    #[inline(never)]
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'r, str>> {
        self.scalar(name).and_then(text_of)
    }

    /// Whether the field `name` is there and not null.
    #[must_use]
    pub(crate) fn present(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Notes a problem.
    pub(crate) fn note(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes that `name` is not what is `expected`.
    #[inline(never)]
    pub(crate) fn problem(&mut self, name: &str, expected: &str) {
        let (entry, path) = (self.entry(name), self.path_of(name));
        let found = || entry.map_or_else(|| "missing".to_owned(), describe);
        self.problems.add(|| Problem::unexpected(path, &found(), expected));
    }

    /// Notes the fields that are none of `known`, each with the name that was likely meant.
    pub(crate) fn known(&mut self, known: &[&'static str]) {
        for (name, _) in self.entries {
            if known.contains(&name.as_ref()) {
                continue;
            }
            let parent = self.path;
            self.problems.add(|| {
                let meant = nearest(name, known.iter().copied()).filter(|meant| is_near(name, meant));
                let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                let text = format!("is not a setting{meant} (known: {})", known.join(", "));
                Problem { path: joined(parent, name).into(), text }
            });
        }
    }

    /// What `read` makes of the field `name`; it is a problem if the field is there and `read` makes nothing of it.
    fn given<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Self) -> Option<T>,
        expected: fn() -> Cow<'static, str>,
    ) -> Option<T> {
        self.value(name)?;
        let given = read(self);
        if given.is_none() {
            self.problem(name, &expected());
        }
        given
    }

    /// The value that the string `name` says.
    pub(crate) fn parsed<T: Accepts>(&mut self, name: &str) -> Option<T> {
        self.given(name, |fields| fields.text(name)?.parse().ok(), T::accepted)
    }

    /// As [`Self::parsed`], and it is a problem if the field is missing.
    pub(crate) fn required<T: Accepts>(&mut self, name: &str) -> Option<T> {
        if !self.present(name) {
            self.problem(name, &T::accepted());
        }
        self.parsed(name)
    }

    /// The string `name`, which must not be empty.
    #[inline(never)]
    pub(crate) fn non_empty(&mut self, name: &str, expected: &'static str) -> Option<String> {
        self.value(name)?;
        let text = self.text(name).filter(|text| !text.is_empty()).map(Cow::into_owned);
        if text.is_none() {
            self.problem(name, expected);
        }
        text
    }

    /// Notes each field that is neither a string nor a number which says a `T`.
    pub(crate) fn all<T: Accepts>(&mut self) {
        for (name, _) in self.entries {
            let text = self.text(name).or_else(|| self.scalar(name).map(Cow::Borrowed));
            if text.is_none_or(|text| text.parse::<T>().is_err()) {
                self.problem(name, &T::accepted());
            }
        }
    }

    /// The value that the number `name` says.
    pub(crate) fn number<T: Accepts>(&mut self, name: &str) -> Option<T> {
        self.given(name, |fields| fields.scalar(name)?.parse().ok(), T::accepted)
    }

    /// What the string `name` chooses. The word `Off` without quotes is `false` to kubectl, as in YAML 1.1.
    pub(crate) fn choice<T: Choice>(&mut self, name: &str) -> Option<T> {
        let word = |fields: &Self| match fields.scalar(name) {
            Some("false") => Some(Cow::Borrowed("Off")),
            Some(_) | None => fields.text(name),
        };
        self.given(name, |fields| T::chosen(&word(fields)?), || T::words().into())
    }

    /// What the boolean `name` chooses of two.
    pub(crate) fn switch<T>(&mut self, name: &str, no: T, yes: T) -> Option<T> {
        self.truth(name).map(|truth| if truth { yes } else { no })
    }

    #[inline(never)]
    fn truth(&mut self, name: &str) -> Option<bool> {
        let scalar = self.value(name).map(|_| self.scalar(name))?;
        let truth = match scalar {
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) | None => None,
        };
        if truth.is_none() {
            self.problem(name, "true or false");
        }
        truth
    }

    /// Each object of the list `name`, with its path.
    pub(crate) fn objects(&mut self, name: &str, mut each: impl FnMut(&mut Fields)) {
        let Some(value) = self.value(name) else { return };
        let Json::List(items) = value else { return self.problem(name, "a list") };
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(name));
            match item {
                Json::Object(fields) => {
                    each(&mut Fields { path: &path, entries: fields, problems: self.problems });
                }
                Json::Raw(_) | Json::List(_) => {
                    self.problems.add(|| Problem::unexpected(path, &describe(item), "an object"));
                }
            }
        }
    }

    /// The path of the field `name`.
    #[must_use]
    pub(crate) fn path_of(&self, name: &str) -> String {
        joined(self.path, name)
    }

    /// Reads the object `name`; an empty one where it is missing.
    pub(crate) fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields) -> T) -> T {
        let fields: &RawFields = match self.value(name) {
            Some(Json::Object(fields)) => fields,
            Some(Json::Raw(_) | Json::List(_)) => {
                self.problem(name, "an object");
                &[]
            }
            None => &[],
        };
        read(&mut Fields { path: &self.path_of(name), entries: fields, problems: self.problems })
    }

    /// Each field of this object, whose name says a `T`, as an object of its own.
    pub(crate) fn each<T: Accepts>(&mut self, mut read: impl FnMut(T, &mut Fields)) {
        for (name, json) in self.entries {
            let path = self.path_of(name);
            match (name.parse(), json) {
                (Ok(name), Json::Object(fields)) => {
                    read(name, &mut Fields { path: &path, entries: fields, problems: self.problems });
                }
                (Ok(_), Json::Raw(_) | Json::List(_)) => {
                    self.problems.add(|| Problem::unexpected(path, &describe(json), "an object"));
                }
                (Err(_), _) => {
                    let text = format!("is not a valid name; use {}", T::accepted());
                    self.problems.push(Problem { path: path.into(), text });
                }
            }
        }
    }

    /// Reports the field `name` if it is null, as an empty template leaves it: leaving the field out means `wider`, which must be said explicitly.
    pub(crate) fn refuse_null(&mut self, name: &str, expected: &str, wider: &str) {
        if self.entry(name).is_some() && !self.present(name) {
            self.problem(name, &format!("{expected}, or leave the field out to {wider}"));
        }
    }

    /// The values that the strings of the list `name` say; `None` where it is missing, which means any.
    pub(crate) fn list<T: Accepts>(&mut self, name: &str) -> Option<Vec<T>> {
        self.refuse_null(name, "a list", "allow any");
        let json = self.value(name)?;
        if matches!(json, Json::List(items) if items.is_empty()) {
            self.problem(
                name,
                &format!("at least one entry ({}), or leave the field out to allow any", T::accepted()),
            );
        }
        self.read_items(name, json)
    }

    /// The values that the strings of the list `name` say; `None` where it is missing.
    pub(crate) fn items<T: Accepts>(&mut self, name: &str) -> Option<Vec<T>> {
        let json = self.value(name)?;
        self.read_items(name, json)
    }

    fn read_items<T: Accepts>(&mut self, name: &str, json: &Json) -> Option<Vec<T>> {
        let Json::List(items) = json else {
            self.problem(name, "a list");
            return None;
        };
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let text = if let Json::Raw(raw) = item { text_of(raw) } else { None };
            if let Some(value) = text.and_then(|text| text.parse().ok()) {
                values.push(value);
            } else {
                let path = format!("{}[{index}]", self.path_of(name));
                self.problems.add(|| Problem::unexpected(path, &describe(item), &T::accepted()));
            }
        }
        Some(values)
    }
}

/// Whether `name` may have been meant to be `known`: one is a part of the other, or they differ in few letters.
fn is_near(name: &str, known: &str) -> bool {
    let distance = strsim::levenshtein(&name.chars().take(64).collect::<String>(), known);
    name.contains(known) || known.contains(name) || distance <= 1 + known.len() / 4
}

fn joined(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}
