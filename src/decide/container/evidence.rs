//! What a container already has, detected by what it does and not by its name. Which mutator equipped the container, and in which
//! layout, does not matter.

use std::{borrow::Cow, cell::OnceCell, rc::Rc};

use crate::{
    decide::container::paths::{below, clean, folder_of, is_absolute, resolved},
    name_set::{ByName, NameSet},
    object::{
        container::{Container, Env, Extent, ProjectedToken, Volume},
        pod::{Os, Spec},
    },
    value::{
        layout::{Place, is_reserved},
        names,
        token::Audience,
    },
};

/// The pod's volumes by name. Of two with the same name, which the API server refuses, the first one counts.
#[derive(Debug)]
pub(crate) struct Volumes<'s, 't> {
    all: ByName<'s, Entry<'s, 't>>,
    /// The volume that will be written. The pod may have mounts of it without the volume itself, if another mutator removed it.
    to_come: Option<(Rc<str>, [Token; 1])>,
    /// The system that resolves the pod's paths.
    pub(crate) os: Os,
}

/// The index of a volume in the pod, the volume, and its tokens, which are read when they are first needed.
type Entry<'s, 't> = (usize, &'s Volume<'t>, OnceCell<Vec<Token>>);

/// A ServiceAccount token that a volume projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Its path within the volume, clean and without a first slash.
    pub(crate) path: Rc<str>,
    /// Its audience.
    pub(crate) audience: Rc<str>,
}

impl From<ProjectedToken> for Token {
    fn from(token: ProjectedToken) -> Self {
        let path = clean(&token.path);
        Self { path: path.strip_prefix('/').unwrap_or(&path).into(), audience: token.audience.into() }
    }
}

impl<'s, 't> Volumes<'s, 't> {
    /// The volumes of `spec`.
    pub(crate) fn read(spec: &'s Spec<'t>) -> Self {
        let all = spec.volumes.iter().enumerate();
        let all = all.map(|(index, volume)| (volume.name.as_ref(), (index, volume, OnceCell::new())));
        Self { all: ByName::first(all), to_come: None, os: spec.os }
    }

    /// Adds the volume that will be written at `place`, in case the pod has no volume of that name.
    pub(crate) fn with(self, place: &Place, audience: &Audience) -> Self {
        let token = Token { path: Rc::clone(&place.token_path), audience: audience.as_str().into() };
        Self { to_come: Some((Rc::clone(&place.volume), [token])), ..self }
    }

    /// The volume called `name`: its place in the pod, and itself.
    pub(crate) fn named(&self, name: &str) -> Option<(usize, &'s Volume<'t>)> {
        self.all.get(name).map(|(index, volume, _)| (*index, *volume))
    }

    /// The tokens that the volume called `name` projects, or will project.
    pub(crate) fn tokens(&self, name: &str) -> &[Token] {
        match (self.all.get(name), &self.to_come) {
            (Some((_, volume, tokens)), _) => {
                tokens.get_or_init(|| volume.tokens().into_iter().map(Token::from).collect())
            }
            (None, Some((to_come, tokens))) if **to_come == *name => tokens,
            (None, _) => &[],
        }
    }

    /// All of them, each with its place in the pod.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &'s Volume<'t>)> {
        self.all.iter().map(|(_, (index, volume, _))| (*index, *volume))
    }

    /// Whether the volume called `name` projects a token for one of these audiences or, under a reserved name, for any audience.
    pub(crate) fn carries(&self, name: &str, audiences: &[&str]) -> bool {
        let tokens = self.tokens(name);
        let for_azure = |token: &Token| audiences.contains(&&*token.audience) || is_reserved(name);
        tokens.iter().any(for_azure)
    }
}

/// How much of an identity a container already has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State<'t> {
    /// Its variable points to a token file, which the mount at this index provides.
    Equipped {
        /// Place of the mount.
        mount: usize,
        /// The token.
        token: Token,
    },
    /// Its variable points below a mount of something else, so it uses its own token.
    OwnToken,
    /// Its variable points to where the token would be if the mount at this index, of a reserved volume, were there.
    Moved {
        /// Place of the mount.
        mount: usize,
        /// The variable's value.
        file: Cow<'t, str>,
    },
    /// It has no token.
    Bare {
        /// Its variable's value, where it has one that is a path.
        file: Option<Cow<'t, str>>,
    },
}

/// The token's path according to the container's own variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenFile<'t> {
    /// The variable is missing or empty.
    Unset,
    /// At this path.
    At(Cow<'t, str>),
    /// At a path that only the kubelet or the container knows: the value comes from elsewhere, refers to another variable, or is a path
    /// that is relative or too long.
    Unknown,
}

/// Longest path that a process can open, in bytes (Linux `limits.h`, `PATH_MAX`).
const PATH_MAX: usize = 4_096;

impl<'t> TokenFile<'t> {
    /// The one of `container`.
    pub(crate) fn of(container: &Container<'t>, os: Os) -> Self {
        let Some(env) = container.variable(names::AZURE_FEDERATED_TOKEN_FILE) else { return Self::Unset };
        match env.value() {
            Some(file) if file.is_empty() => Self::Unset,
            Some(file) if file.len() < PATH_MAX && is_absolute(&file, os) && !file.contains("$(") => {
                Self::At(file)
            }
            Some(_) | None => Self::Unknown,
        }
    }
}

/// The state of `container`. A token for another audience counts as the container's own token if its volume has any other name. If the
/// volume's name is reserved, another mutator asked for that audience, and the token is accepted.
pub(crate) fn state<'t>(container: &Container<'t>, volumes: &Volumes, audience: &Audience) -> State<'t> {
    let TokenFile::At(file) = TokenFile::of(container, volumes.os) else { return State::Bare { file: None } };
    let path = resolved(&file, volumes.os);
    let (folder, nearest) = nearest(container, volumes.os, &path);
    let Some(first) = nearest.first().and_then(|index| container.mounts.get(*index)) else {
        return moved(container, volumes, file);
    };
    let rest = path.get(folder..).unwrap_or_default().trim_start_matches('/');
    let is_there = |token: &Token| match volumes.os {
        Os::Other => *token.path == *rest,
        Os::Windows => token.path.eq_ignore_ascii_case(rest),
    };
    let mut seen = NameSet::default();
    for index in nearest.iter().copied() {
        let Some(mount) = container.mounts.get(index).filter(|mount| mount.extent == Extent::Whole) else {
            continue;
        };
        if !seen.insert(&mount.name) {
            continue;
        }
        let reserved = is_reserved(&mount.name);
        let fits = |token: &&Token| is_there(token) && (*token.audience == *audience.as_str() || reserved);
        if let Some(token) = volumes.tokens(&mount.name).iter().find(fits) {
            return State::Equipped { mount: index, token: token.clone() };
        }
    }
    match nearest.first() {
        Some(mount) if is_reserved(&first.name) && !volumes.tokens(&first.name).is_empty() => {
            State::Moved { mount: *mount, file }
        }
        Some(_) | None => State::OwnToken,
    }
}

/// The innermost mounts that contain `path`, and the length of their resolved path. There are several if one mount path is spelled in
/// different ways. A mount without a path is ignored, not treated as mounted at the root.
fn nearest(container: &Container, os: Os, path: &str) -> (usize, Vec<usize>) {
    let (mut length, mut nearest) = (0, Vec::new());
    for (index, mount) in container.mounts.iter().enumerate().filter(|(_, mount)| !mount.path.is_empty()) {
        let at = resolved(&mount.path, os);
        if below(path, &at).is_none() || at.len() < length {
            continue;
        }
        if at.len() > length {
            nearest.clear();
        }
        length = at.len();
        nearest.push(index);
    }
    (length, nearest)
}

/// Longest token file path that is checked for a moved mount. The paths of all layouts are shorter.
const MOVED_MAX: usize = 512;

/// The state of a container whose variable points below no mount. A mount of a reserved volume may have been moved away from there.
fn moved<'t>(container: &Container<'t>, volumes: &Volumes, file: Cow<'t, str>) -> State<'t> {
    let fits = |token: &Token| honoured(&file, &token.path, volumes.os).is_some();
    let mut seen = NameSet::default();
    let moved = container.mounts.iter().position(|mount| {
        is_reserved(&mount.name) && seen.insert(&mount.name) && volumes.tokens(&mount.name).iter().any(fits)
    });
    match moved {
        Some(mount) => State::Moved { mount, file },
        None => State::Bare { file: Some(file) },
    }
}

/// The mount path that makes the token, at `token_path` in its volume, appear at `file`. `None` outside the folder that workload
/// identity uses.
pub(crate) fn honoured(file: &str, token_path: &str, os: Os) -> Option<String> {
    if file.len() > MOVED_MAX {
        return None;
    }
    let folder = folder_of(file, token_path, os)?;
    below(&resolved(&folder, os), names::SECRETS_PATH).is_some().then_some(folder)
}

/// Whether a container sets its own client ID. An empty value does not count.
pub(crate) fn sets_client_id(container: &Container) -> bool {
    let own = container.variable(names::AZURE_CLIENT_ID);
    own.is_some_and(|env| Env::value(env).is_none_or(|value| !value.is_empty()))
}
