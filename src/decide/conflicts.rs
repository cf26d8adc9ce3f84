//! What is in the way of a container's mount, or of the volume.

use crate::{
    decide::{
        evidence::Volumes,
        paths::{below, components},
    },
    object::{container::Container, pod::Spec},
    text::{NAME_MAX, Untrusted},
    value::{
        layout::{Place, is_reserved},
        name_set::NameSet,
    },
    verdict::{
        mistake::{Mistake, Obstacle},
        notice::Notice,
    },
};

/// Something of `container` that stands at the mount path or hides one of the volume's `files`: another mount but those of
/// the indexes in `going`, which ascend, or a block device.
pub(crate) fn at_mount(
    container: &Container,
    place: &Place,
    files: &[&str],
    going: &[usize],
) -> Option<Mistake> {
    let root = components(&place.mount_path);
    let files: Vec<Vec<&str>> =
        files.iter().map(|file| root.iter().copied().chain(components(file)).collect()).collect();
    let hides = |path: &str| {
        let path = components(path);
        path.starts_with(&root) && (path == root || files.iter().any(|file| file.starts_with(&path)))
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

/// A mount of `container` above `path` to which nothing can be written, so that nobody can make the mount point. One of a volume of
/// workload identity's own goes, or is nobody's ancestor.
pub(crate) fn read_only_above(container: &Container, volumes: &Volumes, path: &str) -> Option<Notice> {
    let others = container.mounts.iter().filter(|mount| !is_reserved(&mount.name));
    let above = others.filter_map(|mount| {
        let rest = below(path, &mount.path).filter(|rest| !rest.is_empty())?;
        Some((rest.len(), mount))
    });
    let (_, mount) = above.min_by_key(|(rest, _)| *rest)?;
    let of_volume = || volumes.named(&mount.name).is_some_and(|(_, volume, _)| volume.is_read_only());
    let found = mount.is_read_only() || of_volume();
    found.then(|| Notice::ReadOnlyAbove {
        volume: mount.name.as_ref().into(),
        path: mount.path.as_ref().into(),
    })
}

/// One value of `skip-containers` for all `mistakes`: what is skipped already, and each container that something hides the token from.
pub(crate) fn skip_all(mistakes: &mut [Mistake], skipped: &NameSet) {
    let mut names: Vec<String> = skipped.iter().map(str::to_owned).collect();
    for mistake in mistakes.iter() {
        if let Mistake::MountHidesToken { container, .. } = mistake {
            names.push(container.as_str().to_owned());
        }
    }
    let all = names.join(";");
    // More than a line of a manifest can bear; and each of thousands of mistakes would hold it.
    let all = Untrusted::from(if all.len() > NAME_MAX { "" } else { &all });
    for mistake in mistakes {
        if let Mistake::MountHidesToken { skip, .. } = mistake {
            skip.clone_from(&all);
        }
    }
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
