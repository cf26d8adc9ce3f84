//! What blocks a container's mount, or the volume.

use crate::{
    decide::container::{
        evidence::Volumes,
        paths::{below, resolved},
    },
    name_set::NameSet,
    object::{
        container::{Container, Mount},
        pod::{Os, Spec},
    },
    text::{NAME_MAX, Untrusted},
    value::layout::is_reserved,
    verdict::{facts::Obstacle, mistake::Mistake},
};

/// The mistake of a mount or block device of `container` at `root`, the resolved mount path, or one that hides one of the volume's `files`.
/// Mounts at the indexes in `going`, which are ascending, are removed or replaced, and don't count.
pub(crate) fn at_mount(
    container: &Container,
    root: &str,
    files: &[&str],
    going: &[usize],
    os: Os,
) -> Option<Mistake> {
    let hides = |path: &str| {
        let path = resolved(path, os);
        let rest = below(&path, root);
        rest.is_some_and(|rest| rest.is_empty() || files.iter().any(|file| leads_to(rest, file, os)))
    };
    let mounts = container.mounts.iter().enumerate().filter(|(index, _)| going.binary_search(index).is_err());
    let mut mounts = mounts.map(|(_, mount)| (Obstacle::Mount, &mount.name, &mount.path));
    let mut devices = container.devices.iter().map(|device| (Obstacle::Device, &device.name, &device.path));
    let (obstacle, volume, path) =
        mounts.find(|(_, _, path)| hides(path)).or_else(|| devices.find(|(_, _, path)| hides(path)))?;
    Some(Mistake::MountHidesToken {
        obstacle,
        container: container.name.as_ref().into(),
        volume: volume.as_ref().into(),
        path: path.as_ref().into(),
        skip: Untrusted::default(),
    })
}

/// Whether `file`, a path in a volume, is at `place` or below it.
fn leads_to(place: &str, file: &str, os: Os) -> bool {
    let is_same = |head: &str| match os {
        Os::Other => head == place,
        Os::Windows => head.eq_ignore_ascii_case(place),
    };
    let ends = file.get(place.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ends && file.get(..place.len()).is_some_and(is_same)
}

/// A read-only mount of `container` above the resolved `path`: the kubelet can't create the mount point there. Mounts of reserved volumes do not
/// count: they are removed, or have nothing below them.
pub(crate) fn read_only_above<'c, 't>(
    container: &'c Container<'t>,
    volumes: &Volumes,
    path: &str,
) -> Option<&'c Mount<'t>> {
    let others = container.mounts.iter().filter(|mount| !is_reserved(&mount.name));
    let above = others.filter_map(|mount| {
        let at = resolved(&mount.path, volumes.os);
        below(path, &at).filter(|rest| !rest.is_empty()).map(|_| (at.len(), mount))
    });
    let (_, mount) = above.max_by_key(|(length, _)| *length)?;
    let of_volume = || volumes.named(&mount.name).is_some_and(|(_, volume)| volume.is_read_only());
    let found = mount.is_read_only() || of_volume();
    found.then_some(mount)
}

/// A value of the annotation `skip-containers`, provided that it fits on a line of a manifest.
pub(crate) struct SkipList(String);

impl SkipList {
    /// The containers that are already skipped.
    pub(crate) fn of(skipped: &NameSet) -> Self {
        let mut list = Self(String::new());
        skipped.iter().for_each(|name| list.add(name));
        list
    }

    /// Adds a container.
    pub(crate) fn add(&mut self, name: &str) {
        // A list that is already too long is not extended.
        if self.0.len() <= NAME_MAX {
            if !self.0.is_empty() {
                self.0.push(';');
            }
            self.0.push_str(name);
        }
    }

    /// The value; empty where it is too long.
    pub(crate) fn into_value(self) -> Untrusted {
        Untrusted::from(if self.0.len() > NAME_MAX { "" } else { &self.0 })
    }
}

/// Adds to the mistake a value of `skip-containers` that covers all containers whose token is hidden.
pub(crate) fn skipping(mut mistake: Mistake, list: &Untrusted) -> Mistake {
    if let Mistake::MountHidesToken { skip, .. } = &mut mistake {
        skip.clone_from(list);
    }
    mistake
}

/// The mistake of a container that uses the volume `name` as something other than a token volume, with the field that uses it.
pub(crate) fn user_of(spec: &Spec, name: &str) -> Option<Mistake> {
    let containers = spec.containers.iter().chain(&spec.ephemeral);
    let mut users = containers.filter_map(|container| {
        let device = container.devices.iter().any(|device| device.name == name);
        let file = container.env.iter().any(|env| env.file_volume.as_deref() == Some(name));
        let field = match (device, file) {
            (true, _) => "volumeDevices",
            (false, true) => "env[].valueFrom.fileKeyRef",
            (false, false) => return None,
        };
        Some((container, field))
    });
    let (container, field) = users.next()?;
    Some(Mistake::VolumeNameTaken { volume: name.into(), container: container.name.as_ref().into(), field })
}
