//! A cursor over [`Json`] that knows its path: the only checks of shape, and what they say.

use std::{borrow::Cow, fmt};

use crate::{
    json::{read::text_of, tree::Json},
    text::Untrusted,
};

/// A place in the JSON where something else stands than the policy can understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Where, as `spec.containers[0].env`.
    pub(crate) path: Untrusted,
    /// What stands there, as "an object"; never its content, which can be a secret.
    pub(crate) found: &'static str,
    /// What would be accepted, as "a list".
    pub(crate) expected: &'static str,
    /// A number or boolean where a text is expected.
    pub(crate) unquoted: Option<Box<Unquoted>>,
}

/// A field whose value lacks its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unquoted {
    /// The object that it is in, as `metadata.labels`.
    pub(crate) parent: Untrusted,
    /// The field's name.
    pub(crate) name: Untrusted,
    /// The number or boolean.
    pub(crate) scalar: Untrusted,
}

impl Malformed {
    /// Something at `path` is not what is expected.
    pub(crate) fn at(path: impl Into<Untrusted>, found: &'static str, expected: &'static str) -> Self {
        Self { path: path.into(), found, expected, unquoted: None }
    }
}

impl From<Malformed> for Vec<Malformed> {
    #[inline(never)] // at each `?` else
    fn from(malformed: Malformed) -> Self {
        vec![malformed]
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let between = if self.found == "missing" { "; it must be" } else { ", not" };
        write!(f, "{} is {}{between} {}", self.path.plain(240), self.found, self.expected)
    }
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Field(&'p str),
    Index(usize),
}

/// A place in a [`Json`], and the way there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'p, 't> {
    json: &'t Json<'t>,
    step: Step<'p>,
    parent: Option<&'p Cursor<'p, 't>>,
}

impl<'p, 't> Cursor<'p, 't> {
    /// The place that messages call `name`.
    #[must_use]
    pub(crate) fn root(name: &'p str, json: &'t Json<'t>) -> Self {
        Self { json, step: Step::Field(name), parent: None }
    }

    /// The field `name`; `None` where it is missing or null.
    ///
    /// # Errors
    /// `self` is not an object.
    pub(crate) fn field<'c>(&'c self, name: &'c str) -> Result<Option<Cursor<'c, 't>>, Malformed> {
        if !matches!(self.json, Json::Object(_)) {
            return Err(self.malformed("an object"));
        }
        let at =
            self.json.field(name).map(|json| Cursor { json, step: Step::Field(name), parent: Some(self) });
        Ok(at.filter(|at| !at.is_null()))
    }

    /// The field `name`, which must be there.
    ///
    /// # Errors
    /// `self` is not an object, or the field is missing or null.
    pub(crate) fn required<'c>(
        &'c self,
        name: &'c str,
        expected: &'static str,
    ) -> Result<Cursor<'c, 't>, Malformed> {
        self.field(name)?.ok_or_else(|| {
            let found = if self.json.field(name).is_some() { "null" } else { "missing" };
            Malformed::at(join(&self.path(), Step::Field(name)), found, expected)
        })
    }

    /// The fields, in their order.
    ///
    /// # Errors
    /// `self` is not an object.
    pub(crate) fn entries<'c>(
        &'c self,
    ) -> Result<impl Iterator<Item = (&'t str, Cursor<'c, 't>)>, Malformed> {
        match self.json {
            Json::Object(fields) => Ok(fields.iter().map(|(name, json)| {
                (name.as_ref(), Cursor { json, step: Step::Field(name.as_ref()), parent: Some(self) })
            })),
            Json::Raw(_) | Json::List(_) => Err(self.malformed("an object")),
        }
    }

    /// The items, in their order.
    ///
    /// # Errors
    /// `self` is not a list.
    pub(crate) fn items<'c>(&'c self) -> Result<impl Iterator<Item = Cursor<'c, 't>>, Malformed> {
        match self.json {
            Json::List(items) => Ok(items.iter().enumerate().map(|(index, json)| Cursor {
                json,
                step: Step::Index(index),
                parent: Some(self),
            })),
            Json::Raw(_) | Json::Object(_) => Err(self.malformed("a list")),
        }
    }

    /// The text of a JSON string.
    ///
    /// # Errors
    /// `self` is not a string, or one that is not Unicode (`"\ud800"`).
    pub(crate) fn as_text(&self) -> Result<Cow<'t, str>, Malformed> {
        match self.json {
            Json::Raw(raw) => text_of(raw).ok_or_else(|| self.malformed("a string")),
            Json::Object(_) | Json::List(_) => Err(self.malformed("a string")),
        }
    }

    /// The value of a JSON boolean.
    ///
    /// # Errors
    /// `self` is neither `true` nor `false`.
    pub(crate) fn as_bool(&self) -> Result<bool, Malformed> {
        match self.json {
            Json::Raw(raw) if raw == "true" => Ok(true),
            Json::Raw(raw) if raw == "false" => Ok(false),
            Json::Raw(_) | Json::Object(_) | Json::List(_) => Err(self.malformed("true or false")),
        }
    }

    /// The text that came, where the shape did not look in.
    #[must_use]
    pub(crate) fn raw(&self) -> Option<&'t str> {
        match self.json {
            Json::Raw(raw) => Some(raw),
            Json::Object(_) | Json::List(_) => None,
        }
    }

    /// What the messages say of a thing in this place that is not `expected`.
    #[must_use]
    pub(crate) fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { unquoted: self.unquoted(), ..Malformed::at(self.path(), self.kind(), expected) }
    }

    fn unquoted(&self) -> Option<Box<Unquoted>> {
        let (Step::Field(name), Some(parent), Some(scalar)) = (self.step, self.parent, self.raw()) else {
            return None;
        };
        let is_scalar = !scalar.starts_with(['{', '[', '"', 'n']);
        let (parent, name, scalar) = (parent.path().into(), name.into(), scalar.into());
        is_scalar.then(|| Box::new(Unquoted { parent, name, scalar }))
    }

    /// Whether null stands here.
    #[must_use]
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.json, Json::Raw(raw) if raw == "null")
    }

    fn kind(&self) -> &'static str {
        match self.json {
            Json::Object(_) => "an object",
            Json::List(_) => "a list",
            Json::Raw(raw) => match raw.as_bytes().first() {
                Some(b'{') => "an object",
                Some(b'[') => "a list",
                Some(b'"') if text_of(raw).is_none() => "a string that is not Unicode",
                Some(b'"') => "a string",
                Some(b't' | b'f') => "a boolean",
                Some(b'n') => "null",
                _ => "a number",
            },
        }
    }

    /// The way here, as `spec.containers[0].env`.
    #[must_use]
    pub(crate) fn path(&self) -> String {
        join(&self.parent.map_or_else(String::new, Cursor::path), self.step)
    }
}

fn join(parent: &str, step: Step) -> String {
    match step {
        Step::Field(name) if parent.is_empty() => name.to_owned(),
        Step::Field(name) => format!("{parent}.{name}"),
        Step::Index(index) => format!("{parent}[{index}]"),
    }
}
