//! What each container of a pod that is due an identity lacks, and where it gets it.

use std::{borrow::Cow, rc::Rc};

use crate::{
    decide::{
        container::{
            conflicts::{self, SkipList},
            evidence::{State, Token, Volumes, honoured, state},
            paths::resolved,
        },
        fragments,
        identity::container_annotation::ContainerIdentities,
    },
    feature::{proxy, token_endpoint::TokenEndpoint},
    json::{Json, Shape},
    object::{
        container::{Container, Extent, Mount},
        pod::{Candidate, Os},
    },
    settings::Settings,
    tally::Tally,
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
    /// The containers that are not.
    pub(crate) others: Vec<&'s Container<'t>>,
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
    /// Its mount path, resolved.
    root: String,
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
    /// Reads the containers of `pod`, of which those in `identities` get another identity.
    pub(crate) fn read(
        settings: &'s Settings,
        pod: Candidate<'s, 't>,
        identities: &ContainerIdentities,
    ) -> Self {
        let endpoint = settings.token_endpoint.as_ref().filter(|endpoint| endpoint.is_wanted(pod));
        let audience = endpoint.map_or(&settings.audience, |endpoint| &endpoint.audience);
        let skipped = pod.metadata.annotations.skipped_containers();
        let own = settings.layout.place(&pod.metadata.name);
        let volumes = Volumes::read(pod.spec).with(&own, audience);
        let is_due = |name: &str| is_due(settings, pod, &skipped, identities, name);
        let (mut due, mut others) = (Vec::new(), Vec::new());
        for container in &pod.spec.containers {
            if is_due(&container.name) {
                let state = state(container, &volumes, audience);
                due.push(Held { container, state, target: None, gone: Vec::new() });
            } else {
                others.push(container);
            }
        }
        let there = due.iter().find_map(|held| held.shares(&volumes, &own));
        let home = match there {
            Some(place) => Home::new(place, Whose::There, volumes.os),
            None => Home::new(own, Whose::Layout, volumes.os),
        };
        let mut all = Self { pod, endpoint, audience, skipped, volumes, home, due: Vec::new(), others };
        for held in &mut due {
            held.target = all.target(held);
            held.gone = held.target.as_ref().map(|target| all.gone(held, target)).unwrap_or_default();
        }
        all.due = due;
        all
    }

    /// Whether the pod has a container of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pod.spec.containers.iter().any(|container| container.name == name)
    }

    /// The proxy's containers that a pod which asks for the proxy does not have yet, and that are due an identity.
    pub(crate) fn new_due(&self, settings: &Settings, identities: &ContainerIdentities) -> Vec<&'static str> {
        let is_new =
            |name: &&str| !self.has(name) && is_due(settings, self.pod, &self.skipped, identities, name);
        [proxy::INIT_CONTAINER, proxy::SIDECAR].into_iter().filter(is_new).collect()
    }

    /// The containers that are due an identity.
    pub(crate) fn due(&self) -> impl Iterator<Item = &'s Container<'t>> {
        self.due.iter().map(|held| held.container)
    }

    fn target(&self, held: &Held) -> Option<Target> {
        let Held { container, state, .. } = held;
        match state {
            State::OwnToken => None,
            State::Equipped { mount, token } => {
                let place = held.place(*mount, token).unwrap_or_else(|| self.home.place.clone());
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
        let there = container.mounts.iter().position(|mount| *mount.name == *place.volume);
        let mounted = there.and_then(|index| container.mounts.get(index));
        if let Some(honoured) = file.and_then(|file| self.honoured(file)) {
            place = honoured;
        } else if let (Whose::There, Some(mount)) = (self.home.volume, mounted)
            && mount.extent == Extent::Whole
        {
            place.mount_path = mount.path.as_ref().into();
            return Target { place, mount: there.map_or(Found::Missing, Found::Right) };
        }
        let is_right =
            |mount: &Mount| *mount.path == *place.mount_path && same(mount.raw, &fragments::mount(&place));
        let right = mounted.is_some_and(is_right);
        let mount = match there {
            Some(index) if right => Found::Right(index),
            Some(index) => Found::Wrong(index),
            None => Found::Missing,
        };
        Target { place, mount }
    }

    /// The place of the home volume that puts one of its tokens where `file` says.
    fn honoured(&self, file: &str) -> Option<Place> {
        let home = &self.home.place;
        let at = |token_path: &Rc<str>| {
            let mount_path = honoured(file, token_path, self.volumes.os)?.into();
            Some(Place { mount_path, token_path: Rc::clone(token_path), ..home.clone() })
        };
        let tokens = match self.home.volume {
            Whose::There => self.volumes.tokens(&home.volume),
            Whose::Layout => &[],
        };
        at(&home.token_path).or_else(|| tokens.iter().find_map(|token| at(&token.path)))
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
                && *name != *target.place.volume
                && Layout::any_has(name, path)
                && self.volumes.named(name).is_some()
                && !self.volumes.tokens(name).is_empty()
        };
        let mounts = container.mounts.iter().enumerate();
        mounts
            .filter(|(index, mount)| goes(*index, &mount.name, &mount.path))
            .map(|(index, _)| index)
            .collect()
    }

    /// What is in the way of a container's mount, or of the volume.
    pub(crate) fn conflicts(&self, proxy: Option<ProxyPort>) -> Tally<Refusal> {
        let mut mistakes = Tally::default();
        let mut skip = SkipList::of(&self.skipped);
        for held in &self.due {
            if let Some(conflict) = self.conflict(held) {
                skip.add(&held.container.name);
                mistakes.push(conflict);
            }
        }
        let skip = skip.into_value();
        let mut mistakes = mistakes.map(|mistake| conflicts::skipping(mistake, &skip));
        mistakes.extend(self.taken().filter(|_| proxy.is_some() || self.needs_home()));
        mistakes.map(|mistake| Refusal::new(self.pod.title, mistake))
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
        let replaced = match (target.mount, &held.state) {
            // The container sees its token there.
            (Found::Right(_), State::Equipped { .. }) => return None,
            (Found::Right(index) | Found::Wrong(index), _) => Some(index),
            (Found::Missing, _) => None,
        };
        let mut going: Vec<usize> = held.gone.iter().copied().chain(replaced).collect();
        going.sort_unstable();
        let authority = self.endpoint.filter(|_| self.home.volume == Whose::Layout);
        let authority = authority.and_then(TokenEndpoint::source).map(|_| names::CA_PATH);
        let files: Vec<&str> = [Some(&*target.place.token_path), authority].into_iter().flatten().collect();
        conflicts::at_mount(held.container, &self.root(target), &files, &going, self.volumes.os)
    }

    /// The resolved mount path of a target.
    pub(crate) fn root<'p>(&'p self, target: &'p Target) -> Cow<'p, str> {
        if Rc::ptr_eq(&target.place.mount_path, &self.home.place.mount_path) {
            Cow::Borrowed(&self.home.root)
        } else {
            resolved(&target.place.mount_path, self.volumes.os)
        }
    }

    /// A volume under the layout's name that has no token and that a container uses.
    fn taken(&self) -> Option<Mistake> {
        let name = &*self.home.place.volume;
        self.volumes.named(name)?;
        if self.home.volume == Whose::There || !self.volumes.tokens(name).is_empty() {
            return None;
        }
        let own_token = self.due.iter().find(|held| {
            held.state == State::OwnToken && held.container.mounts.iter().any(|mount| mount.name == name)
        });
        let own_token = own_token.map(|held| Mistake::VolumeNameTaken {
            volume: name.into(),
            container: held.container.name.as_ref().into(),
            field: "volumeMounts",
        });
        own_token.or_else(|| conflicts::user_of(self.pod.spec, name))
    }
}

/// Whether the container called `name` is due an identity in a pod that is. What its annotation `container-identities` has goes before the
/// setting `skipContainers`, which is not about the policy's own proxy, and its annotation `skip-containers` before both.
fn is_due(
    settings: &Settings,
    pod: Candidate,
    skipped: &NameSet,
    identities: &ContainerIdentities,
    name: &str,
) -> bool {
    let is_proxy = || [proxy::INIT_CONTAINER, proxy::SIDECAR].contains(&name) && proxy::is_wanted(pod);
    !skipped.contains(name) && (identities.has(name) || !settings.skips(name) || is_proxy())
}

impl Home {
    fn new(place: Place, volume: Whose, os: Os) -> Self {
        let root = resolved(&place.mount_path, os).into_owned();
        Self { place, volume, root }
    }
}

impl Held<'_, '_> {
    /// The place where the mount of this index gives the container this token.
    fn place(&self, mount: usize, token: &Token) -> Option<Place> {
        let mount = self.container.mounts.get(mount)?;
        Some(Place {
            volume: mount.name.as_ref().into(),
            mount_path: mount.path.as_ref().into(),
            token_path: Rc::clone(&token.path),
        })
    }

    /// The place where a mount that was moved from under the container's variable belongs.
    fn put_back(&self, volumes: &Volumes) -> Option<Place> {
        let State::Moved { mount, file } = &self.state else { return None };
        let mount = self.container.mounts.get(*mount)?;
        volumes.tokens(&mount.name).iter().find_map(|token| {
            Some(Place {
                volume: mount.name.as_ref().into(),
                mount_path: honoured(file, &token.path, volumes.os)?.into(),
                token_path: Rc::clone(&token.path),
            })
        })
    }

    /// The place of a volume that this container shares with those that have no token: one that is there, and is not the one that the layout
    /// will write.
    fn shares(&self, volumes: &Volumes, own: &Place) -> Option<Place> {
        let place = match &self.state {
            State::Equipped { mount, token } => self.place(*mount, token)?,
            State::Moved { .. } => self.put_back(volumes)?,
            State::OwnToken | State::Bare { .. } => return None,
        };
        (place.volume != own.volume || volumes.named(&own.volume).is_some()).then_some(place)
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
