//! All that is written into a pod, as data: complete before the first write.

pub(crate) mod apply;
pub(crate) mod build;
pub(crate) mod variables;

use std::rc::Rc;

use crate::object::container::ContainerList;

/// Where something goes in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// At its start.
    First,
    /// At its end.
    Append,
    /// In place of the item of this index.
    Replace(usize),
}

/// What one container gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Injection {
    /// The list it is in.
    pub(crate) list: ContainerList,
    /// Its place there.
    pub(crate) index: usize,
    /// The variables that are appended, as entries of `env`. Containers share what is the same for all.
    pub(crate) env: Vec<Rc<String>>,
    /// The variables that are written anew, each with its place in `env`: what the fallback gave it is not up to date.
    pub(crate) replaced: Vec<(usize, Rc<String>)>,
    /// The mount, as an entry of `volumeMounts`, and its position. `None` if the container already has it.
    pub(crate) mount: Option<(Slot, String)>,
    /// Indexes of the mounts to remove, ascending: leftovers of another pass, of a volume that is not needed.
    pub(crate) removed_mounts: Vec<usize>,
}

impl Injection {
    /// The length of what is written, with a comma behind each variable.
    pub(crate) fn length(&self) -> usize {
        let replaced = self.replaced.iter().map(|(_, entry)| entry);
        let env = self.env.iter().chain(replaced).map(|entry| entry.len() + 1).sum::<usize>();
        env + self.mount.as_ref().map_or(0, |(_, text)| text.len())
    }

    /// Whether nothing is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.env.is_empty()
            && self.replaced.is_empty()
            && self.mount.is_none()
            && self.removed_mounts.is_empty()
    }
}

/// A complete container that is added to the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewContainer {
    /// The list it goes to.
    pub(crate) list: ContainerList,
    /// Its position in that list.
    pub(crate) slot: Slot,
    /// The container as JSON.
    pub(crate) json: String,
}

/// All that is written into the pod: JSON texts, ready to be put in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// What each container gets.
    pub(crate) injections: Vec<Injection>,
    /// The containers that the pod gets.
    pub(crate) containers: Vec<NewContainer>,
    /// The volume, as an entry of `volumes`, and its position. `None` if the pod already has it.
    pub(crate) volume: Option<(Slot, String)>,
    /// Indexes of the volumes whose last mount is removed, ascending.
    pub(crate) removed_volumes: Vec<usize>,
}

impl Plan {
    /// Whether nothing is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.injections.is_empty()
            && self.containers.is_empty()
            && self.volume.is_none()
            && self.removed_volumes.is_empty()
    }
}
