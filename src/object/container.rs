//! The containers of a pod, and its volumes, as far as identity goes.

use std::borrow::Cow;

use crate::json::{Cursor, FIELDS, ITEMS, Json, Malformed, Shape, text_of};

/// A container, looked into where the policy reads or writes.
pub(crate) static CONTAINER: Shape = Shape::Object(&[("env", &ITEMS), ("volumeMounts", &ITEMS)]);

/// The lists of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContainerList {
    /// `spec.initContainers`.
    Init,
    /// `spec.containers`.
    Main,
    /// `spec.ephemeralContainers`, which are added to a running pod.
    Ephemeral,
}

impl ContainerList {
    /// The field's name.
    #[must_use]
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Main => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// A container.
#[derive(Debug, Clone)]
pub(crate) struct Container<'t> {
    /// The list it is in.
    pub(crate) list: ContainerList,
    /// Its place there.
    pub(crate) index: usize,
    /// Its name, empty where it has none.
    pub(crate) name: Cow<'t, str>,
    /// Its environment variables.
    pub(crate) env: Vec<Env<'t>>,
    /// Its volume mounts.
    pub(crate) mounts: Vec<Mount<'t>>,
}

/// An environment variable.
#[derive(Debug, Clone)]
pub(crate) struct Env<'t> {
    /// Its name.
    pub(crate) name: Cow<'t, str>,
    value: Value<'t>,
    /// The entry as it came.
    pub(crate) raw: &'t str,
}

/// What a variable is set to.
#[derive(Debug, Clone, Copy)]
enum Value<'t> {
    /// The JSON of `value`, if there is one.
    Literal(Option<&'t str>),
    /// It comes from elsewhere (`valueFrom`).
    Elsewhere,
}

/// A volume mount.
#[derive(Debug, Clone)]
pub(crate) struct Mount<'t> {
    /// The volume's name.
    pub(crate) name: Cow<'t, str>,
    /// `mountPath`.
    pub(crate) path: Cow<'t, str>,
    /// The entry as it came.
    pub(crate) raw: &'t str,
}

/// A volume.
#[derive(Debug, Clone)]
pub(crate) struct Volume<'t> {
    /// Its name.
    pub(crate) name: Cow<'t, str>,
    /// The entry as it came.
    pub(crate) raw: &'t str,
}

/// Reads an entry of a list that was kept as text; what it holds is never quoted.
fn entry<'t>(at: &Cursor<'_, 't>) -> Result<(Json<'t>, &'t str), Malformed> {
    let raw = at.raw().ok_or_else(|| at.malformed("an object"))?;
    match Json::parse(raw, &FIELDS) {
        Ok(json @ Json::Object(_)) => Ok((json, raw)),
        Ok(Json::Raw(_) | Json::List(_)) | Err(_) => Err(at.malformed("an object")),
    }
}

/// The text of an entry's field, empty where it has none.
fn text<'t>(at: &Cursor<'_, 't>, entry: &Json<'t>, field: &'static str) -> Result<Cow<'t, str>, Malformed> {
    let raw = entry.field(field).and_then(Json::raw).filter(|raw| *raw != "null");
    let Some(raw) = raw else { return Ok(Cow::Borrowed("")) };
    text_of(raw).ok_or_else(|| Malformed {
        path: format!("{}.{field}", at.path()),
        found: "not a string",
        expected: "a string",
    })
}

impl<'t> Env<'t> {
    /// Reads an entry of `env`.
    ///
    /// # Errors
    /// No object, or a name that is no string.
    pub(crate) fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (env, raw) = entry(at)?;
        let from_elsewhere = env.field("valueFrom").and_then(Json::raw).is_some_and(|from| from != "null");
        let value = if from_elsewhere {
            Value::Elsewhere
        } else {
            Value::Literal(env.field("value").and_then(Json::raw))
        };
        Ok(Self { name: text(at, &env, "name")?, value, raw })
    }

    /// Its value; `None` where it comes from elsewhere.
    pub(crate) fn value(&self) -> Option<Cow<'t, str>> {
        match self.value {
            Value::Literal(json) => Some(json.and_then(text_of).unwrap_or_default()),
            Value::Elsewhere => None,
        }
    }
}

impl<'t> Mount<'t> {
    fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (mount, raw) = entry(at)?;
        Ok(Self { name: text(at, &mount, "name")?, path: text(at, &mount, "mountPath")?, raw })
    }
}

impl<'t> Volume<'t> {
    pub(crate) fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (volume, raw) = entry(at)?;
        Ok(Self { name: text(at, &volume, "name")?, raw })
    }

    /// Whether it projects a ServiceAccount token, of this audience where one is given.
    #[must_use]
    pub(crate) fn projects_token(&self, audience: Option<&str>) -> bool {
        let Ok(volume) = Json::parse(self.raw, &Shape::Whole) else { return false };
        let sources = volume.field("projected").and_then(|projected| projected.field("sources"));
        let Some(Json::List(sources)) = sources else { return false };
        sources.iter().any(|source| match source.field("serviceAccountToken") {
            Some(token @ Json::Object(_)) => {
                let said = token
                    .field("audience")
                    .and_then(|said| if let Json::Raw(raw) = said { text_of(raw) } else { None });
                audience.is_none() || said.as_deref() == audience
            }
            Some(Json::Raw(_) | Json::List(_)) | None => false,
        })
    }
}

impl<'t> Container<'t> {
    pub(crate) fn read_list(spec: &Cursor<'_, 't>, list: ContainerList) -> Result<Vec<Self>, Malformed> {
        let Some(items) = spec.field(list.field())? else { return Ok(Vec::new()) };
        items.items()?.enumerate().map(|(index, item)| Self::read(list, index, &item)).collect()
    }

    fn read(list: ContainerList, index: usize, at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let name = at.field("name")?.map(|name| name.as_text()).transpose()?.unwrap_or_default();
        let mut env = Vec::new();
        if let Some(items) = at.field("env")? {
            for item in items.items()? {
                env.push(Env::read(&item)?);
            }
        }
        let mut mounts = Vec::new();
        if let Some(items) = at.field("volumeMounts")? {
            for item in items.items()? {
                mounts.push(Mount::read(&item)?);
            }
        }
        Ok(Self { list, index, name, env, mounts })
    }

    /// The variable `name`, where the container has it.
    #[must_use]
    pub(crate) fn variable(&self, name: &str) -> Option<&Env<'t>> {
        self.env.iter().find(|env| env.name == name)
    }
}
