//! What is in the way of a container's mount, or of the volume.

use crate::{
    decide::paths::components,
    object::{container::Container, pod::Spec},
    text::Untrusted,
    value::{layout::Place, name_set::NameSet},
    verdict::mistake::{Mistake, Obstacle},
};

/// Something of `container` that stands at the mount path or hides one of the volume's `files`: another mount but those of
/// the indexes in `going`, or a block device.
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
    let mounts = container.mounts.iter().enumerate().filter(|(index, _)| !going.contains(index));
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

/// One value of `skip-containers` for all `mistakes`: what is skipped already, and each container that something hides the token from.
pub(crate) fn skip_all(mistakes: &mut [Mistake], skipped: &NameSet) {
    let mut names: Vec<String> = skipped.iter().map(str::to_owned).collect();
    for mistake in mistakes.iter() {
        if let Mistake::MountHidesToken { container, .. } = mistake {
            names.push(container.as_str().to_owned());
        }
    }
    let all = Untrusted::from(names.join(";"));
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
