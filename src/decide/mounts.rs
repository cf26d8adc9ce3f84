//! Containers that have what they need already, and mounts that are in the way.

use crate::{
    feature::token_endpoint,
    object::pod::{Candidate, Container, Mount},
    text::{cut_middle, printable, quote, quote_to},
    value::{
        names,
        token::{Audience, Layout},
    },
    verdict::{Code, Fault, Refusal},
};

/// Tells the containers that the webhook, in either layout, or this policy has equipped.
#[derive(Debug)]
pub struct Equipped<'e, 't> {
    /// The pod.
    pub pod: Candidate<'e, 't>,
    /// The audience of its token.
    pub audience: &'e Audience,
    /// The reserved volume's name.
    pub reserved: &'e str,
    /// Where the token is.
    pub token_file: &'e str,
}

impl Equipped<'_, '_> {
    /// It has `AZURE_FEDERATED_TOKEN_FILE`, and a mount above that path whose volume projects a token of the audience.
    /// What stands under the reserved name is written anew, so it only counts if the file is where that will be.
    #[must_use]
    pub fn has(&self, container: &Container) -> bool {
        let Some(file) =
            container.variable(names::AZURE_FEDERATED_TOKEN_FILE).and_then(crate::object::pod::Env::value)
        else {
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
pub fn conflict(layout: Layout, title: &str, container: &Container, reserved: &str) -> Option<Refusal> {
    let (root, token_file) = (components(layout.mount_path()), layout.token_file());
    let files = [components(&token_file), components(token_endpoint::CA_FILE)];
    let own = container.mounts.iter().position(|mount| mount.name == reserved);
    let hides = |mount: &Mount| {
        let path = components(&mount.path);
        path.starts_with(&root) && files.iter().any(|file| file.starts_with(&path))
    };
    let mut others = container.mounts.iter().enumerate().filter(|(index, _)| Some(*index) != own);
    let (_, mount) = others.find(|(_, mount)| hides(mount))?;
    Some(Refusal {
        object: title.to_owned(),
        problem: format!(
            "container {} mounts volume {} at {}, where the identity's token must be, expected another mountPath",
            quote_to(&container.name, 63),
            quote_to(&mount.name, 63),
            quote(&mount.path)
        ),
        hint: "move that mount, or leave the container without an identity with:",
        cure: format!(
            "metadata: {{annotations: {{{}: {}}}}}",
            names::SKIP_CONTAINERS,
            printable(&cut_middle(&container.name, 63))
        ),
        code: Code::BadRequest,
        fault: Fault::Template,
    })
}
