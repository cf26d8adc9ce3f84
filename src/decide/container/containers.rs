//! For a pod that is due an identity: what each container lacks, and where it gets its token.

use std::{borrow::Cow, rc::Rc};

use crate::{
    decide::{
        container::{
            conflicts::{self, SkipList},
            evidence::{State, Token, Volumes, honoured, state},
            paths::resolved,
        },
        fragments,
    },
    feature::{proxy, token_endpoint::TokenEndpoint},
    json::{Json, Shape},
    name_set::NameSet,
    object::{
        container::{Container, Env, Extent, Mount},
        pod::{Candidate, Os},
    },
    settings::Settings,
    tally::Tally,
    value::{
        layout::{Layout, Place, is_reserved},
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
    /// The audience of the pod's token.
    pub(crate) audience: &'s Audience,
    /// The names in `skip-containers`.
    pub(crate) skipped: NameSet<'s>,
    pub(crate) volumes: Volumes<'s, 't>,
    /// Where containers that have no token get it.
    pub(crate) home: TokenLocation,
    pub(crate) due: Vec<DueContainer<'s, 't>>,
    /// The containers that are not due an identity.
    pub(crate) others: Vec<&'s Container<'t>>,
}

/// A container that is due an identity, and what it already has.
#[derive(Debug)]
pub(crate) struct DueContainer<'s, 't> {
    pub(crate) container: &'s Container<'t>,
    pub(crate) state: State<'t>,
    /// Where it gets its token. `None` if it uses its own token.
    pub(crate) target: Option<Target>,
    /// Indexes of the mounts to remove, ascending: leftovers of another pass, of a volume to which the container's variable does not point.
    pub(crate) removed_mounts: Vec<usize>,
}

impl DueContainer<'_, '_> {
    /// Where in its list the variables of the fallback begin, if the fallback gave it its identity, and nothing else sets one of them: they
    /// are written anew where they are not up to date.
    pub(crate) fn of_fallback(&self) -> Option<usize> {
        let State::Equipped { mount, .. } = self.state else { return None };
        let mount = self.container.mounts.get(mount)?;
        if mount.name != names::FALLBACK_VOLUME {
            return None;
        }
        let all = names::FALLBACK_VARIABLES;
        let is_one = |env: &&Env| all.contains(&&*env.key);
        let is_run =
            |run: &[Env]| run.iter().zip(all).all(|(env, name)| env.name == name && env.value().is_some());
        let once = self.container.env.iter().filter(is_one).count() == all.len();
        self.container.env.windows(all.len()).position(is_run).filter(|_| once)
    }
}

/// A container that is due an identity, and what it already has, before it is decided where it gets its token.
struct Equipped<'s, 't> {
    container: &'s Container<'t>,
    state: State<'t>,
}

/// Where containers that have no token get it.
#[derive(Debug)]
pub(crate) struct TokenLocation {
    /// The place.
    pub(crate) place: Place,
    /// Whether that volume exists, or is written.
    pub(crate) volume: VolumeOwner,
    /// Its mount path, resolved.
    root: String,
}

/// Which volume a token is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VolumeOwner {
    /// An existing volume that gives another container its token. It stays as it is.
    There,
    /// The volume of the layout, which the policy writes.
    Layout,
}

/// Where a container gets its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The place.
    pub(crate) place: Place,
    /// The existing mount, if any, and whether it is correct.
    pub(crate) mount: MountState,
}

/// A mount that a container has, or lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MountState {
    /// The mount at this index is correct.
    Right(usize),
    /// The mount at this index is replaced.
    Wrong(usize),
    /// There is none.
    Missing,
}

impl<'s, 't> Containers<'s, 't> {
    /// Reads the containers of `pod`. Those that are named in `container-identities` are due an identity even if a setting skips them.
    pub(crate) fn read(
        settings: &'s Settings,
        pod: Candidate<'s, 't>,
        layout: Layout,
        is_named: &dyn Fn(&str) -> bool,
    ) -> Self {
        let endpoint = settings.token_endpoint.as_ref().filter(|endpoint| endpoint.is_wanted(pod));
        let audience = endpoint.map_or(&settings.audience, |endpoint| &endpoint.audience);
        let skipped = pod.metadata.annotations.skipped_containers();
        // The certificates of the endpoint have no place in the layout Legacy, which the settings can't have beside it.
        let layout = if endpoint.is_some() { settings.layout } else { layout };
        let own = layout.place(&pod.metadata.name);
        let volumes = Volumes::read(pod.spec).with(&own, audience);
        let is_due = |name: &str| is_due(settings, pod, &skipped, is_named, name);
        let (mut due, mut others) = (Vec::new(), Vec::new());
        for container in &pod.spec.containers {
            if is_due(&container.name) {
                due.push(Equipped { container, state: state(container, &volumes, audience) });
            } else {
                others.push(container);
            }
        }
        let there = due.iter().find_map(|equipped| equipped.shares(&volumes, &own));
        let home = match there {
            Some(place) => TokenLocation::new(place, VolumeOwner::There, volumes.os),
            None => TokenLocation::new(own, VolumeOwner::Layout, volumes.os),
        };
        let due = due.into_iter().map(|equipped| {
            let target = home.target(&equipped, &volumes);
            let removed_mounts = target.as_ref().map(|target| equipped.removed_mounts(target, &volumes));
            let Equipped { container, state } = equipped;
            DueContainer { container, state, target, removed_mounts: removed_mounts.unwrap_or_default() }
        });
        let due = due.collect();
        Self { pod, endpoint, audience, skipped, volumes, home, due, others }
    }

    /// Whether the pod has a container of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pod.spec.containers.iter().any(|container| container.name == name)
    }

    /// The proxy containers that are due an identity and are not yet in the pod, which asks for the proxy.
    pub(crate) fn new_due(&self, settings: &Settings, is_named: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
        let is_new =
            |name: &&str| !self.has(name) && is_due(settings, self.pod, &self.skipped, is_named, name);
        [proxy::INIT_CONTAINER, proxy::SIDECAR].into_iter().filter(is_new).collect()
    }

    /// The containers that are due an identity.
    pub(crate) fn due(&self) -> impl Iterator<Item = &'s Container<'t>> {
        self.due.iter().map(|held| held.container)
    }

    /// Mistakes for everything that blocks a container's mount, or the volume.
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

    /// Whether a container has its token in the home volume, or gets it from there.
    pub(crate) fn needs_home(&self) -> bool {
        let mut targets = self.due.iter().filter_map(|held| held.target.as_ref());
        targets.any(|target| target.place.volume == self.home.place.volume)
    }

    fn conflict(&self, held: &DueContainer) -> Option<Mistake> {
        let target = held.target.as_ref()?;
        if held.container.mounts.is_empty() && held.container.devices.is_empty() {
            return None;
        }
        let replaced = match (target.mount, &held.state) {
            // The container sees its token there.
            (MountState::Right(_), State::Equipped { .. }) => return None,
            (MountState::Right(index) | MountState::Wrong(index), _) => Some(index),
            (MountState::Missing, _) => None,
        };
        let mut going: Vec<usize> = held.removed_mounts.iter().copied().chain(replaced).collect();
        going.sort_unstable();
        let authority = self.endpoint.filter(|_| self.home.volume == VolumeOwner::Layout);
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

    /// The mistake that a volume with the layout's name has no token, and that a container uses the volume.
    fn taken(&self) -> Option<Mistake> {
        let name = &*self.home.place.volume;
        self.volumes.named(name)?;
        if self.home.volume == VolumeOwner::There || !self.volumes.tokens(name).is_empty() {
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

/// Whether container `name` is due an identity, in a pod that is due one. Precedence: the pod annotation `skip-containers`, the pod
/// annotation `container-identities`, the setting `skipContainers`. The setting does not apply to the policy's own proxy.
fn is_due(
    settings: &Settings,
    pod: Candidate,
    skipped: &NameSet,
    is_named: &dyn Fn(&str) -> bool,
    name: &str,
) -> bool {
    let is_proxy = || [proxy::INIT_CONTAINER, proxy::SIDECAR].contains(&name) && proxy::is_wanted(pod);
    !skipped.contains(name) && (is_named(name) || !settings.skips(name) || is_proxy())
}

impl TokenLocation {
    fn new(place: Place, volume: VolumeOwner, os: Os) -> Self {
        let root = resolved(&place.mount_path, os).into_owned();
        Self { place, volume, root }
    }

    /// Where `equipped` gets its token. `None` if it uses its own token.
    fn target(&self, equipped: &Equipped, volumes: &Volumes) -> Option<Target> {
        let Equipped { container, state } = equipped;
        match state {
            State::OwnToken => None,
            State::Equipped { mount, token } => {
                let place = equipped.place(*mount, token).unwrap_or_else(|| self.place.clone());
                Some(Target { place, mount: MountState::Right(*mount) })
            }
            State::Moved { mount, file } => Some(match equipped.put_back(volumes) {
                Some(place) => Target { place, mount: MountState::Wrong(*mount) },
                None => self.mounted(container, Some(file), volumes),
            }),
            State::Bare { file } => Some(self.mounted(container, file.as_deref(), volumes)),
        }
    }

    /// Mounts the home volume where the container's own variable points, or else where it is already mounted, or else at its usual path.
    fn mounted(&self, container: &Container, file: Option<&str>, volumes: &Volumes) -> Target {
        let mut place = self.place.clone();
        let there = container.mounts.iter().position(|mount| *mount.name == *place.volume);
        let mounted = there.and_then(|index| container.mounts.get(index));
        if let Some(honoured) = file.and_then(|file| self.honoured(file, volumes)) {
            place = honoured;
        } else if let (VolumeOwner::There, Some(mount)) = (self.volume, mounted)
            && mount.extent == Extent::Whole
        {
            place.mount_path = mount.path.as_ref().into();
            return Target { place, mount: there.map_or(MountState::Missing, MountState::Right) };
        }
        let is_right =
            |mount: &Mount| *mount.path == *place.mount_path && same(mount.raw, &fragments::mount(&place));
        let right = mounted.is_some_and(is_right);
        let mount = match there {
            Some(index) if right => MountState::Right(index),
            Some(index) => MountState::Wrong(index),
            None => MountState::Missing,
        };
        Target { place, mount }
    }

    /// Where to mount the home volume so that one of its tokens appears at `file`.
    fn honoured(&self, file: &str, volumes: &Volumes) -> Option<Place> {
        let home = &self.place;
        let at = |token_path: &Rc<str>| {
            let mount_path = honoured(file, token_path, volumes.os)?.into();
            Some(Place { mount_path, token_path: Rc::clone(token_path), ..home.clone() })
        };
        let tokens = match self.volume {
            VolumeOwner::There => volumes.tokens(&home.volume),
            VolumeOwner::Layout => &[],
        };
        at(&home.token_path).or_else(|| tokens.iter().find_map(|token| at(&token.path)))
    }
}

impl Equipped<'_, '_> {
    /// Where the container has `token`, through the mount at this index.
    fn place(&self, mount: usize, token: &Token) -> Option<Place> {
        let mount = self.container.mounts.get(mount)?;
        Some(Place {
            volume: mount.name.as_ref().into(),
            mount_path: mount.path.as_ref().into(),
            token_path: Rc::clone(&token.path),
        })
    }

    /// Where a moved mount belongs, so that the container's variable points to the token again.
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

    /// Where this container has its token, if containers without a token can share the volume: it must exist, and not be a volume that is
    /// yet to be written.
    fn shares(&self, volumes: &Volumes, own: &Place) -> Option<Place> {
        let place = match &self.state {
            State::Equipped { mount, token } => self.place(*mount, token)?,
            State::Moved { .. } => self.put_back(volumes)?,
            State::OwnToken | State::Bare { .. } => return None,
        };
        (place.volume != own.volume || volumes.named(&own.volume).is_some()).then_some(place)
    }

    /// The mounts that another pass left in a container, of volumes to which the container's variable does not point.
    fn removed_mounts(&self, target: &Target, volumes: &Volumes) -> Vec<usize> {
        let container = match self.state {
            State::Equipped { .. } | State::Moved { .. } | State::Bare { .. } => self.container,
            State::OwnToken => return Vec::new(),
        };
        let kept = match target.mount {
            MountState::Right(index) | MountState::Wrong(index) => Some(index),
            MountState::Missing => None,
        };
        let goes = |index: usize, name: &str, path: &str| {
            Some(index) != kept
                && is_reserved(name)
                && *name != *target.place.volume
                // A webhook that is called once more would only add it again beside the fallback's.
                && *target.place.volume != *names::FALLBACK_VOLUME
                && Layout::any_has(name, path)
                && volumes.named(name).is_some()
                && !volumes.tokens(name).is_empty()
        };
        let mounts = container.mounts.iter().enumerate();
        mounts
            .filter(|(index, mount)| goes(*index, &mount.name, &mount.path))
            .map(|(index, _)| index)
            .collect()
    }
}

/// Whether the existing entry already equals the wanted one, apart from the mode that the API server fills in (0644, decimal 420).
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
