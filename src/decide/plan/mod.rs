//! All that is written into a pod, as data: complete before the first write.

pub(crate) mod apply;
pub(crate) mod build;
pub(crate) mod variables;

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
    /// The mount, as an entry of `volumeMounts`, and where it goes; `None` where it is there.
    pub(crate) mount: Option<(Slot, String)>,
    /// Mounts that go: what another pass left of a volume that is not needed. Ascending.
    pub(crate) gone: Vec<usize>,
}

impl Injection {
    /// Whether nothing is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.env.is_empty() && self.mount.is_none() && self.gone.is_empty()
    }
}

/// A container that the pod gets, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewContainer {
    /// The list it goes to.
    pub(crate) list: ContainerList,
    /// Where there.
    pub(crate) slot: Slot,
    /// It as JSON, but for its variables and mounts: the object is still open.
    pub(crate) json: String,
    /// A variable of its own, as an entry of `env`.
    pub(crate) own_env: Option<String>,
    /// Which of the plan's variables it gets.
    pub(crate) env: Vec<usize>,
    /// The mount that it gets.
    pub(crate) mount: Option<String>,
}

/// All that is written into the pod: JSON texts, ready to be put in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// The variables, each as an entry of `env`.
    pub(crate) env: Vec<String>,
    /// What each container gets.
    pub(crate) injections: Vec<Injection>,
    /// The containers that the pod gets.
    pub(crate) containers: Vec<NewContainer>,
    /// The volume as an entry of `volumes`, and where it goes; `None` where it is there.
    pub(crate) volume: Option<(Slot, String)>,
    /// Indexes of the volumes whose last mount is removed, ascending.
    pub(crate) gone: Vec<usize>,
}

impl Plan {
    /// Whether nothing is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.injections.is_empty()
            && self.containers.is_empty()
            && self.volume.is_none()
            && self.gone.is_empty()
    }
}
