//! All that is written into a pod, as data: complete before the first write.

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
    /// Which of the plan's variables are appended.
    pub(crate) env: Vec<usize>,
    /// Where the plan's mount goes; `None` where it is there.
    pub(crate) mount: Option<Slot>,
}

/// Whether a container has a share in the pod's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// The variables and the mount.
    Identity,
    /// Nothing: `skip-containers` names it.
    Nothing,
}

/// A container that the pod gets, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewContainer {
    /// The list it goes to.
    pub(crate) list: ContainerList,
    /// Where there.
    pub(crate) slot: Slot,
    /// It, as JSON.
    pub(crate) json: String,
    /// Whether it gets the variables and the mount too.
    pub(crate) share: Share,
}

/// All that is written into the pod: JSON texts, ready to be put in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// The variables, each as an entry of `env`.
    pub(crate) env: Vec<String>,
    /// The mount, as an entry of `volumeMounts`.
    pub(crate) mount: String,
    /// What each container gets.
    pub(crate) injections: Vec<Injection>,
    /// The containers that the pod gets.
    pub(crate) containers: Vec<NewContainer>,
    /// The volume as an entry of `volumes`, and where it goes; `None` where it is there.
    pub(crate) volume: Option<(Slot, String)>,
}

impl Plan {
    /// Whether nothing is written.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.injections.is_empty() && self.containers.is_empty() && self.volume.is_none()
    }
}
