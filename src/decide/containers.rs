//! What each container of a pod that is due an identity lacks, and where it gets it.

use crate::{
    decide::{
        conflicts,
        container_identities::ContainerIdentities,
        evidence::{State, Volumes, honoured, state, token_below},
        fragments,
    },
    feature::token_endpoint::TokenEndpoint,
    json::{Json, Shape},
    object::{container::Container, pod::Candidate},
    settings::Settings,
    value::{
        layout::{Layout, Place, is_reserved},
        name_set::NameSet,
        names,
        port::ProxyPort,
        token::Audience,
    },
    verdict::{mistake::Mistake, refusal::Refusal},
};

/// The containers of a pod, and what is the same for all of them.
#[derive(Debug)]
pub(crate) struct Containers<'s, 't> {
    pub(crate) pod: Candidate<'s, 't>,
    /// The custom token endpoint, where the pod asks for it.
    pub(crate) endpoint: Option<&'s TokenEndpoint>,
    /// Whom the pod's token is for.
    pub(crate) audience: &'s Audience,
    /// The names in `skip-containers`.
    pub(crate) skipped: NameSet<'s>,
    pub(crate) volumes: Volumes<'s, 't>,
    /// Where containers that have no token get it.
    pub(crate) home: Home,
    pub(crate) due: Vec<Held<'s, 't>>,
}

/// A container that is due an identity, and what it has of it.
#[derive(Debug)]
pub(crate) struct Held<'s, 't> {
    pub(crate) container: &'s Container<'t>,
    pub(crate) state: State<'t>,
    /// Where it gets its token; `None` where it brings its own.
    pub(crate) target: Option<Target>,
    /// Mounts that go: what another pass left of a volume to which the container's variable does not lead. Ascending.
    pub(crate) gone: Vec<usize>,
}

/// Where containers that have no token get it.
#[derive(Debug)]
pub(crate) struct Home {
    /// The place.
    pub(crate) place: Place,
    /// Whose volume that is.
    pub(crate) volume: Whose,
}

/// Whose volume a token is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// One that is there, and gives another container its token: it stays as it is.
    There,
    /// The layout's, which is written.
    Layout,
}

/// Where a container gets its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The place.
    pub(crate) place: Place,
    /// The mount that is there, if any, and whether it is right.
    pub(crate) mount: Found,
}

/// A mount that a container has, or lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The one of this index is right.
    Right(usize),
    /// The one of this index is replaced.
    Wrong(usize),
    /// There is none.
    Missing,
}

impl<'s, 't> Containers<'s, 't> {
    /// The containers of `pod`; one that is named in `identities` is due one whatever `skipContainers` says.
    pub(crate) fn read(
        settings: &'s Settings,
        pod: Candidate<'s, 't>,
        identities: &ContainerIdentities,
    ) -> Self {
        let endpoint = settings.token_endpoint.as_ref().filter(|endpoint| endpoint.is_wanted(pod));
        let audience = endpoint.map_or(&settings.audience, |endpoint| &endpoint.audience);
        let skipped = pod.metadata.annotations.skipped_containers();
        let volumes = Volumes::read(pod.spec);
        let own = settings.layout.place(&pod.metadata.name);
        let is_due = |name: &str| !skipped.contains(name) && (identities.has(name) || !settings.skips(name));
        let due = pod.spec.containers.iter().filter(|container| is_due(&container.name));
        let due = due.map(|container| {
            let state = state(container, &volumes, audience, Some(&own.volume));
            Held { container, state, target: None, gone: Vec::new() }
        });
        let due: Vec<Held> = due.collect();
        let there = due.iter().find_map(|held| held.shares(&volumes, &own));
        let home = match there {
            Some(place) => Home { place, volume: Whose::There },
            None => Home { place: own, volume: Whose::Layout },
        };
        let mut all = Self { pod, endpoint, audience, skipped, volumes, home, due: Vec::new() };
        let due = due.into_iter().map(|held| {
            let target = all.target(&held);
            let gone = target.as_ref().map(|target| all.gone(&held, target)).unwrap_or_default();
            Held { target, gone, ..held }
        });
        all.due = due.collect();
        all
    }

    /// The containers that are due an identity.
    pub(crate) fn due(&self) -> impl Iterator<Item = &'s Container<'t>> {
        self.due.iter().map(|held| held.container)
    }

    fn target(&self, held: &Held) -> Option<Target> {
        let Held { container, state, .. } = held;
        match state {
            State::OwnToken => None,
            State::Equipped { mount } => {
                let place = held.place(*mount).unwrap_or_else(|| self.home.place.clone());
                Some(Target { place, mount: Found::Right(*mount) })
            }
            State::Moved { mount, file } => Some(match held.put_back(&self.volumes) {
                Some(place) => Target { place, mount: Found::Wrong(*mount) },
                None => self.mounted(container, Some(file)),
            }),
            State::Bare { file } => Some(self.mounted(container, file.as_deref())),
        }
    }

    /// The home volume, mounted where the container's own variable says, or else where it is mounted already, or else at home.
    fn mounted(&self, container: &Container, file: Option<&str>) -> Target {
        let mut place = self.home.place.clone();
        let there = container.mounts.iter().position(|mount| mount.name == place.volume);
        let mounted = there.and_then(|index| container.mounts.get(index));
        if let Some(path) = file.and_then(|file| honoured(file, &place.token_path)) {
            place.mount_path = path;
        } else if let (Whose::There, Some(mount)) = (self.home.volume, mounted)
            && mount.sub_path.is_empty()
        {
            place.mount_path = mount.path.clone().into_owned();
            return Target { place, mount: there.map_or(Found::Missing, Found::Right) };
        }
        let right = mounted.is_some_and(|mount| same(mount.raw, &fragments::mount(&place)));
        let mount = match there {
            Some(index) if right => Found::Right(index),
            Some(index) => Found::Wrong(index),
            None => Found::Missing,
        };
        Target { place, mount }
    }

    /// The mounts of a container that another pass made for a volume to which the container's variable does not lead.
    fn gone(&self, held: &Held, target: &Target) -> Vec<usize> {
        let container = match held.state {
            State::Equipped { .. } | State::Moved { .. } | State::Bare { .. } => held.container,
            State::OwnToken => return Vec::new(),
        };
        let kept = match target.mount {
            Found::Right(index) | Found::Wrong(index) => Some(index),
            Found::Missing => None,
        };
        let goes = |index: usize, name: &str, path: &str| {
            Some(index) != kept
                && is_reserved(name)
                && name != target.place.volume
                && Layout::any_has(name, path)
                && self.volumes.named(name).is_some_and(|(_, _, tokens)| !tokens.is_empty())
        };
        let mounts = container.mounts.iter().enumerate();
        mounts
            .filter(|(index, mount)| goes(*index, &mount.name, &mount.path))
            .map(|(index, _)| index)
            .collect()
    }

    /// What is in the way of a container's mount, or of the volume.
    pub(crate) fn conflicts(&self, proxy: Option<ProxyPort>) -> Vec<Refusal> {
        let mut mistakes: Vec<Mistake> = self.due.iter().filter_map(|held| self.conflict(held)).collect();
        conflicts::skip_all(&mut mistakes, &self.skipped);
        mistakes.extend(self.taken().filter(|_| proxy.is_some() || self.needs_home()));
        mistakes.into_iter().map(|mistake| Refusal::new(self.pod.title, mistake)).collect()
    }

    /// Whether a container has its token at home, or gets it there.
    pub(crate) fn needs_home(&self) -> bool {
        let mut targets = self.due.iter().filter_map(|held| held.target.as_ref());
        targets.any(|target| target.place.volume == self.home.place.volume)
    }

    fn conflict(&self, held: &Held) -> Option<Mistake> {
        let target = held.target.as_ref()?;
        if held.container.mounts.is_empty() && held.container.devices.is_empty() {
            return None;
        }
        let replaced = match target.mount {
            Found::Right(_) => return None,
            Found::Wrong(index) => Some(index),
            Found::Missing => None,
        };
        let mut going: Vec<usize> = held.gone.iter().copied().chain(replaced).collect();
        going.sort_unstable();
        let authority = self.endpoint.filter(|_| self.home.volume == Whose::Layout);
        let authority = authority.and_then(TokenEndpoint::source).map(|_| names::CA_PATH);
        let files: Vec<&str> =
            [Some(target.place.token_path.as_str()), authority].into_iter().flatten().collect();
        conflicts::at_mount(held.container, &target.place, &files, &going)
    }

    /// A volume under the layout's name that is no token's, and that a container depends on.
    fn taken(&self) -> Option<Mistake> {
        let name = &self.home.place.volume;
        let (_, _, tokens) = self.volumes.named(name)?;
        if self.home.volume == Whose::There || !tokens.is_empty() {
            return None;
        }
        let own_token = self.due.iter().find(|held| {
            held.state == State::OwnToken && held.container.mounts.iter().any(|mount| mount.name == *name)
        });
        let own_token = own_token.map(|held| Mistake::VolumeNameTaken {
            volume: name.as_str().into(),
            container: held.container.name.as_ref().into(),
            field: "volumeMounts",
        });
        own_token.or_else(|| conflicts::user_of(self.pod.spec, name))
    }
}

impl Held<'_, '_> {
    /// The place where the mount of this index gives the container its token.
    fn place(&self, mount: usize) -> Option<Place> {
        let (mount, rest) = token_below(self.container, mount)?;
        let token_path = if mount.sub_path.is_empty() { rest } else { format!("{}/{rest}", mount.sub_path) };
        Some(Place {
            volume: mount.name.clone().into_owned(),
            mount_path: mount.path.clone().into_owned(),
            token_path,
        })
    }

    /// The place where a mount that was moved from under the container's variable belongs.
    fn put_back(&self, volumes: &Volumes) -> Option<Place> {
        let State::Moved { mount, file } = &self.state else { return None };
        let mount = self.container.mounts.get(*mount)?;
        let (_, volume, tokens) = volumes.named(&mount.name)?;
        tokens.iter().find_map(|token| {
            Some(Place {
                volume: volume.name.clone().into_owned(),
                mount_path: honoured(file, &token.path)?,
                token_path: token.path.clone(),
            })
        })
    }

    /// The place of a volume that this container shares with those that have no token.
    fn shares(&self, volumes: &Volumes, own: &Place) -> Option<Place> {
        match self.state {
            State::Equipped { mount } => {
                let mut place = self.place(mount)?;
                if self.container.mounts.get(mount).is_some_and(|mount| !mount.sub_path.is_empty()) {
                    place.mount_path.clone_from(&own.mount_path);
                }
                Some(place)
            }
            State::Moved { .. } => self.put_back(volumes),
            State::OwnToken | State::Bare { .. } => None,
        }
    }
}

/// Whether what stands there says the same already, but for the mode that the API server fills in (0644, decimal 420).
pub(crate) fn same(there: &str, wanted: &str) -> bool {
    let (Ok(mut there), Ok(wanted)) = (Json::parse(there, &Shape::Whole), Json::parse(wanted, &Shape::Whole))
    else {
        return false;
    };
    if let Some(Json::Object(fields)) = there.field_mut("projected") {
        fields.retain(|(name, json)| name != "defaultMode" || *json != Json::Raw("420".into()));
    }
    there.is_same(&wanted)
}
