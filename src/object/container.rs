//! The containers of a pod, and its volumes, as far as identity goes.

use std::borrow::Cow;

use crate::json::{Cursor, FIELDS, ITEMS, Json, Malformed, Shape, Unreadable, text_of};

/// A container, looked into where the policy reads or writes.
pub(crate) static CONTAINER: Shape =
    Shape::Object(&[("env", &ITEMS), ("volumeMounts", &ITEMS), ("volumeDevices", &ITEMS)]);

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

/// The fields with commands and their arguments.
const COMMANDS: [&str; 6] =
    ["command", "args", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"];

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
    /// Its block devices.
    pub(crate) devices: Vec<Device<'t>>,
    /// The container that it debugs (`targetContainerName`), empty where it names none.
    pub(crate) target: Cow<'t, str>,
    /// The JSON of its `ports`, where it has any.
    ports: Option<&'t str>,
    /// What it runs: those of the fields in [`COMMANDS`] that it has, each with its JSON.
    pub(crate) commands: Vec<(&'static str, &'t str)>,
}

/// An environment variable.
#[derive(Debug, Clone)]
pub(crate) struct Env<'t> {
    /// Its name.
    pub(crate) name: Cow<'t, str>,
    /// Its name as the pod's system compares it: Windows ignores the case.
    pub(crate) key: Cow<'t, str>,
    value: Value<'t>,
    /// The volume with the file that its value is read from (`valueFrom.fileKeyRef`).
    pub(crate) file_volume: Option<String>,
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

/// How a system compares the names of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// To the letter.
    Exact,
    /// Without regard to case: Windows.
    AnyCase,
}

impl Names {
    /// A form of `name` that is the same for names that the system treats as equal.
    pub(crate) fn key(self, name: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Exact => name,
            Self::AnyCase => Cow::Owned(name.to_ascii_uppercase()),
        }
    }
}

/// A volume mount.
#[derive(Debug, Clone)]
pub(crate) struct Mount<'t> {
    /// The volume's name.
    pub(crate) name: Cow<'t, str>,
    /// `mountPath`.
    pub(crate) path: Cow<'t, str>,
    /// Whether it mounts the whole volume.
    pub(crate) extent: Extent,
    /// The entry as it came.
    pub(crate) raw: &'t str,
}

/// How much of a volume a mount shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// A file or folder of it (`subPath`, `subPathExpr`): the kubelet does not renew a token there.
    Part,
}

/// A block device (`volumeDevices`).
#[derive(Debug, Clone)]
pub(crate) struct Device<'t> {
    /// The volume's name.
    pub(crate) name: Cow<'t, str>,
    /// `devicePath`.
    pub(crate) path: Cow<'t, str>,
}

/// A ServiceAccount token that a volume projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectedToken {
    /// Its path within the volume.
    pub(crate) path: String,
    /// Whom it is for, empty for the API server.
    pub(crate) audience: String,
}

/// Most tokens of one volume that are looked at. A webhook's volume has one; each is compared with the variable of each container.
const TOKENS_MAX: usize = 32;

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
        Err(Unreadable::TooMuch) => {
            Err(Malformed::at(at.path(), "an object of too many fields", "one that Kubernetes knows"))
        }
        Ok(Json::Raw(_) | Json::List(_)) | Err(Unreadable::NotJson(_)) => Err(at.malformed("an object")),
    }
}

/// The text of an entry's field, empty where it has none.
fn text<'t>(at: &Cursor<'_, 't>, entry: &Json<'t>, field: &'static str) -> Result<Cow<'t, str>, Malformed> {
    let raw = entry.field(field).and_then(Json::raw).filter(|raw| *raw != "null");
    let Some(raw) = raw else { return Ok(Cow::Borrowed("")) };
    text_of(raw).ok_or_else(|| Malformed::at(format!("{}.{field}", at.path()), "not a string", "a string"))
}

impl<'t> Env<'t> {
    /// Reads an entry of `env`.
    ///
    /// # Errors
    /// No object, or a name that is not a string.
    pub(crate) fn read(at: &Cursor<'_, 't>, names: Names) -> Result<Self, Malformed> {
        let (env, raw) = entry(at)?;
        let from = env.field("valueFrom").and_then(Json::raw).filter(|from| *from != "null");
        let value = if from.is_some() {
            Value::Elsewhere
        } else {
            Value::Literal(env.field("value").and_then(Json::raw))
        };
        let file_volume = from.filter(|from| from.contains("fileKeyRef")).and_then(file_volume);
        let name = text(at, &env, "name")?;
        Ok(Self { key: names.key(name.clone()), name, value, file_volume, raw })
    }

    /// Whether its name is `name`, which is in upper case, to the system that it is for.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.key == name
    }

    /// Its value; `None` where it comes from elsewhere.
    pub(crate) fn value(&self) -> Option<Cow<'t, str>> {
        match self.value {
            Value::Literal(json) => Some(json.and_then(text_of).unwrap_or_default()),
            Value::Elsewhere => None,
        }
    }
}

/// The volume of a `valueFrom.fileKeyRef`.
fn file_volume(from: &str) -> Option<String> {
    let from = Json::parse(from, &Shape::Whole).ok()?;
    let name = from.field("fileKeyRef")?.field("volumeName")?;
    if let Json::Raw(raw) = name { text_of(raw).map(Cow::into_owned) } else { None }
}

impl<'t> Device<'t> {
    fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (device, _) = entry(at)?;
        Ok(Self { name: text(at, &device, "name")?, path: text(at, &device, "devicePath")? })
    }
}

impl<'t> Mount<'t> {
    fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (mount, raw) = entry(at)?;
        let whole = text(at, &mount, "subPath")?.is_empty() && text(at, &mount, "subPathExpr")?.is_empty();
        Ok(Self {
            name: text(at, &mount, "name")?,
            path: text(at, &mount, "mountPath")?,
            extent: if whole { Extent::Whole } else { Extent::Part },
            raw,
        })
    }
}

impl Mount<'_> {
    /// Whether it says `readOnly: true`.
    pub(crate) fn is_read_only(&self) -> bool {
        let mount = Json::parse(self.raw, &FIELDS).ok();
        mount.is_some_and(|mount| mount.field("readOnly").and_then(Json::raw) == Some("true"))
    }
}

/// The kinds of volume that no container can write to.
const READ_ONLY: [&str; 4] = ["configMap", "secret", "downwardAPI", "projected"];

impl<'t> Volume<'t> {
    /// Whether no container can write to it.
    pub(crate) fn is_read_only(&self) -> bool {
        let volume = Json::parse(self.raw, &FIELDS).ok();
        volume.is_some_and(|volume| READ_ONLY.into_iter().any(|kind| volume.field(kind).is_some()))
    }

    pub(crate) fn read(at: &Cursor<'_, 't>) -> Result<Self, Malformed> {
        let (volume, raw) = entry(at)?;
        Ok(Self { name: text(at, &volume, "name")?, raw })
    }

    /// The ServiceAccount tokens that it projects.
    pub(crate) fn tokens(&self) -> Vec<ProjectedToken> {
        // Most volumes are something else, and are not read.
        if !self.raw.contains("serviceAccountToken") {
            return Vec::new();
        }
        let Ok(volume) = Json::parse(self.raw, &Shape::Whole) else { return Vec::new() };
        let sources = volume.field("projected").and_then(|projected| projected.field("sources"));
        let Some(Json::List(sources)) = sources else { return Vec::new() };
        let tokens = sources.iter().filter_map(|source| source.field("serviceAccountToken"));
        let text = |token: &Json, field: &str| match token.field(field) {
            Some(Json::Raw(raw)) => text_of(raw).map(Cow::into_owned).unwrap_or_default(),
            Some(Json::Object(_) | Json::List(_)) | None => String::new(),
        };
        tokens
            .take(TOKENS_MAX)
            .filter(|token| matches!(token, Json::Object(_)))
            .map(|token| ProjectedToken { path: text(token, "path"), audience: text(token, "audience") })
            .collect()
    }
}

/// The entries of a list, each read; none where there is not a list.
pub(crate) fn entries<'t, T>(
    at: &Cursor<'_, 't>,
    list: &str,
    read: impl Fn(&Cursor<'_, 't>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut all = Vec::new();
    if let Some(list) = at.field(list)? {
        // Not `collect`: its adapters for each type would add 6 KB to the module.
        for item in list.items()? {
            all.push(read(&item)?);
        }
    }
    Ok(all)
}

impl<'t> Container<'t> {
    pub(crate) fn read_list(
        spec: &Cursor<'_, 't>,
        list: ContainerList,
        names: Names,
    ) -> Result<Vec<Self>, Malformed> {
        let mut all = Vec::new();
        if let Some(items) = spec.field(list.field())? {
            for item in items.items()? {
                all.push(Self::read(list, all.len(), &item, names)?);
            }
        }
        Ok(all)
    }

    fn read(list: ContainerList, index: usize, at: &Cursor<'_, 't>, names: Names) -> Result<Self, Malformed> {
        let name = at.field("name")?.map(|name| name.as_text()).transpose()?.unwrap_or_default();
        let json = |field: &'static str| Ok(at.field(field)?.and_then(|field| field.raw()));
        let mut commands = Vec::new();
        for (name, field) in at.entries()? {
            // A look at each field that a container has, and not for each that it may have.
            let command = COMMANDS.into_iter().find(|command| *command == name);
            commands.extend(command.zip(field.raw()));
        }
        Ok(Self {
            list,
            index,
            name,
            env: entries(at, "env", |at| Env::read(at, names))?,
            mounts: entries(at, "volumeMounts", Mount::read)?,
            devices: entries(at, "volumeDevices", Device::read)?,
            target: match list {
                ContainerList::Ephemeral => {
                    let target =
                        at.field("targetContainerName")?.map(|target| target.as_text()).transpose()?;
                    target.unwrap_or_default()
                }
                ContainerList::Init | ContainerList::Main => Cow::Borrowed(""),
            },
            ports: json("ports")?,
            commands,
        })
    }

    /// Whether it says that it listens on this TCP port.
    pub(crate) fn listens_on(&self, port: &str) -> bool {
        let ports = self.ports.and_then(|ports| Json::parse(ports, &Shape::Whole).ok());
        let Some(Json::List(ports)) = ports else { return false };
        let raw = |entry: &Json, field: &str, value: &str| {
            entry.field(field).is_some_and(|json| *json == Json::Raw(value.into()))
        };
        let other = |entry: &Json| raw(entry, "protocol", r#""UDP""#) || raw(entry, "protocol", r#""SCTP""#);
        ports.iter().any(|entry| raw(entry, "containerPort", port) && !other(entry))
    }

    /// The variable `name`, where the container has it: of several of one name the last one, which is what its processes see.
    #[must_use]
    pub(crate) fn variable(&self, name: &str) -> Option<&Env<'t>> {
        self.env.iter().rev().find(|env| env.is_called(name))
    }
}
