//! What is in the way of a container's mount, or of the volume.

use crate::{
    decide::container::{
        evidence::Volumes,
        paths::{below, resolved},
    },
    object::{
        container::{Container, Mount},
        pod::{Os, Spec},
    },
    text::{NAME_MAX, Untrusted},
    value::{layout::is_reserved, name_set::NameSet},
    verdict::mistake::{Mistake, Obstacle},
};

/// Something of `container` that stands at `root`, the resolved mount path, or hides one of the volume's `files`: another mount but those of
/// the indexes in `going`, which ascend, or a block device.
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

/// A value of the annotation `skip-containers`, as long as a line of a manifest can bear it.
pub(crate) struct SkipList(String);

impl SkipList {
    /// What is skipped already.
    pub(crate) fn of(skipped: &NameSet) -> Self {
        let mut list = Self(String::new());
        skipped.iter().for_each(|name| list.add(name));
        list
    }

    /// Adds a container.
    pub(crate) fn add(&mut self, name: &str) {
        // One that is too long stays so.
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

/// The same mistake with one value of `skip-containers` for all containers from which something hides the token.
pub(crate) fn skipping(mut mistake: Mistake, list: &Untrusted) -> Mistake {
    if let Mistake::MountHidesToken { skip, .. } = &mut mistake {
        skip.clone_from(list);
    }
    mistake
}

/// A container that depends on the volume `name` being something else than a token's: which, and by which field.
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
