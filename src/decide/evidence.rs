//! What a container has already, told by what it is and not by its name: who equipped it, and in which layout, does not
//! matter.

use std::{borrow::Cow, cell::OnceCell};

use crate::{
    decide::paths::{below, folder_of},
    object::{
        container::{Container, Env, Mount, ProjectedToken, Volume},
        pod::Spec,
    },
    value::{layout::is_reserved, name_set::ByName, names, token::Audience},
};

/// The pod's volumes, to be found by name: the first one of a name; the API server refuses a second one.
#[derive(Debug)]
pub(crate) struct Volumes<'s, 't>(ByName<'s, Entry<'s, 't>>);

/// A volume: its place in the pod, itself, and its tokens once somebody has asked for them.
type Entry<'s, 't> = (usize, &'s Volume<'t>, OnceCell<Vec<ProjectedToken>>);

impl<'s, 't> Volumes<'s, 't> {
    /// The volumes of `spec`.
    pub(crate) fn read(spec: &'s Spec<'t>) -> Self {
        let all = spec.volumes.iter().enumerate();
        Self(ByName::first(
            all.map(|(index, volume)| (volume.name.as_ref(), (index, volume, OnceCell::new()))),
        ))
    }

    /// The volume called `name`: its place in the pod, itself, and the tokens that it projects.
    pub(crate) fn named(&self, name: &str) -> Option<(usize, &'s Volume<'t>, &[ProjectedToken])> {
        let (index, volume, tokens) = self.0.get(name)?;
        Some((*index, volume, tokens.get_or_init(|| volume.tokens())))
    }

    /// All of them, each with its place in the pod.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &'s Volume<'t>)> {
        self.0.iter().map(|(_, (index, volume, _))| (*index, *volume))
    }
}

/// What a container has of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State<'t> {
    /// The file of its variable is a token that the mount of this index provides.
    Equipped {
        /// Place of the mount.
        mount: usize,
    },
    /// Its variable lies under a mount of something else: it brings a token of its own.
    OwnToken,
    /// Its variable lies where the reserved volume would have the token, if the mount of this index stood there.
    Moved {
        /// Place of the mount.
        mount: usize,
        /// The variable's value.
        file: Cow<'t, str>,
    },
    /// It has no token.
    Bare {
        /// Its variable's value, where it has one.
        file: Option<Cow<'t, str>>,
    },
}

/// What `container` has. A volume of the pod's author that projects a token for somebody else is a token of the
/// container's own; one under a reserved name was asked for by another mutator, which knows why.
/// A mount of the volume `to_come`, where the pod has none of that name, is no token yet: that volume will be written.
pub(crate) fn state<'t>(
    container: &Container<'t>,
    volumes: &Volumes,
    audience: &Audience,
    to_come: Option<&str>,
) -> State<'t> {
    let file = container.variable(names::AZURE_FEDERATED_TOKEN_FILE).and_then(Env::value);
    let Some(file) = file.filter(|file| !file.is_empty()) else { return State::Bare { file: None } };
    // A mount without a path is nowhere, and not at the root.
    let mounts = container.mounts.iter().enumerate().filter(|(_, mount)| !mount.path.is_empty());
    let above = mounts.filter_map(|(index, mount)| {
        let rest = below(&file, &mount.path)?;
        let volume = volumes.named(&mount.name);
        let in_volume = [mount.sub_path.as_ref(), &rest].join("/");
        let provided = volume.is_some_and(|(_, volume, tokens)| {
            tokens.iter().any(|token| {
                below(&in_volume, &token.path).is_some_and(|rest| rest.is_empty())
                    && (token.audience == audience.as_str() || is_reserved(&volume.name))
            })
        });
        let reserved_token =
            volume.is_some_and(|(_, volume, tokens)| is_reserved(&volume.name) && !tokens.is_empty());
        let empty = volume.is_none() && Some(mount.name.as_ref()) == to_come;
        (!empty).then_some((rest.len(), index, provided, reserved_token))
    });
    // The mount that is nearest to the file is the one that the container sees there.
    let nearest = above.min_by_key(|(rest, _, provided, _)| (*rest, !*provided));
    match nearest {
        Some((_, mount, true, _)) => State::Equipped { mount },
        Some((_, mount, false, true)) => State::Moved { mount, file },
        Some((_, _, false, false)) => State::OwnToken,
        None => moved(container, volumes, file),
    }
}

/// The mount of this index, and what is left below it of the path in the container's variable.
pub(crate) fn token_below<'s, 't>(
    container: &'s Container<'t>,
    mount: usize,
) -> Option<(&'s Mount<'t>, String)> {
    let mount = container.mounts.get(mount)?;
    let file = container.variable(names::AZURE_FEDERATED_TOKEN_FILE)?.value()?;
    Some((mount, below(&file, &mount.path)?))
}

/// A variable under no mount at all: a mount of a reserved volume may have been moved from under it.
fn moved<'t>(container: &Container<'t>, volumes: &Volumes, file: Cow<'t, str>) -> State<'t> {
    let fits = |name: &str| {
        volumes.named(name).is_some_and(|(_, volume, tokens)| {
            is_reserved(&volume.name) && tokens.iter().any(|token| honoured(&file, &token.path).is_some())
        })
    };
    match container.mounts.iter().position(|mount| fits(&mount.name)) {
        Some(mount) => State::Moved { mount, file },
        None => State::Bare { file: Some(file) },
    }
}

/// The mount path that puts the token at `token_path` of a volume where `file` says; `None` outside the folder that workload
/// identity uses.
pub(crate) fn honoured(file: &str, token_path: &str) -> Option<String> {
    let folder = folder_of(file, token_path)?;
    below(&folder, names::SECRETS_PATH).map(|_| folder)
}
