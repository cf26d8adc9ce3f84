//! Containers that have what they need already, and mounts that are in the way.

use crate::{
    feature::token_endpoint,
    object::{
        container::{Container, Env, Mount},
        pod::Candidate,
    },
    value::{layout::Layout, names, token::Audience},
    verdict::{mistake::Mistake, refusal::Refusal, title::Title},
};

/// Tells the containers that the webhook, in either layout, or this policy has equipped.
#[derive(Debug)]
pub(crate) struct Equipped<'e, 't> {
    /// The pod.
    pub(crate) pod: Candidate<'e, 't>,
    /// The audience of its token.
    pub(crate) audience: &'e Audience,
    /// The reserved volume's name.
    pub(crate) reserved: &'e str,
    /// Where the token is.
    pub(crate) token_file: &'e str,
}

impl Equipped<'_, '_> {
    /// It has `AZURE_FEDERATED_TOKEN_FILE`, and a mount above that path whose volume projects a token of the audience.
    /// What stands under the reserved name is written anew, so it only counts if the file is where that will be.
    #[must_use]
    pub(crate) fn has(&self, container: &Container) -> bool {
        let Some(file) = container.variable(names::AZURE_FEDERATED_TOKEN_FILE).and_then(Env::value) else {
            return false;
        };
        container.mounts.iter().filter(|mount| is_above(&mount.path, &file)).any(|mount| {
            let mut volumes = self.pod.spec.volumes.iter();
            (mount.name != self.reserved || file == self.token_file)
                && volumes.any(|volume| {
                    volume.name == mount.name && volume.projects_token(Some(self.audience.as_str()))
                })
        })
    }
}

/// The components of a path in a container, as the kernel reads them.
fn components(path: &str) -> Vec<&str> {
    let mut components = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            name => components.push(name),
        }
    }
    components
}

fn is_above(mount: &str, file: &str) -> bool {
    let (mount, file) = (components(mount), components(file));
    mount.len() < file.len() && file.starts_with(&mount)
}

/// Something else is mounted where the token shall be, or over it.
#[must_use]
pub(crate) fn conflict(
    layout: Layout,
    title: &Title,
    container: &Container,
    reserved: &str,
) -> Option<Refusal> {
    let (root, token_file) = (components(layout.mount_path()), layout.token_file());
    let files = [components(&token_file), components(token_endpoint::CA_FILE)];
    let own = container.mounts.iter().position(|mount| mount.name == reserved);
    let hides = |mount: &Mount| {
        let path = components(&mount.path);
        path.starts_with(&root) && files.iter().any(|file| file.starts_with(&path))
    };
    let mut others = container.mounts.iter().enumerate().filter(|(index, _)| Some(*index) != own);
    let (_, mount) = others.find(|(_, mount)| hides(mount))?;
    let mistake = Mistake::MountHidesToken {
        container: container.name.clone().into_owned(),
        volume: mount.name.clone().into_owned(),
        path: mount.path.clone().into_owned(),
    };
    Some(Refusal::new(title, mistake))
}
