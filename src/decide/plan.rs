//! All that is written into a pod, as data: complete before the first write.

use crate::object::pod::ContainerList;

/// Where something goes in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Cursor its start.
    First,
    /// Cursor its end.
    Append,
    /// In place of the item of this index.
    Replace(usize),
}

/// What one container gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// The list it is in.
    pub list: ContainerList,
    /// Its place there.
    pub index: usize,
    /// Which of the plan's variables are appended.
    pub env: Vec<usize>,
    /// Where the plan's mount goes; `None` where it is there.
    pub mount: Option<Slot>,
}

/// A container that the pod gets, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContainer {
    /// The list it goes to.
    pub list: ContainerList,
    /// Where there.
    pub slot: Slot,
    /// It, as JSON.
    pub json: String,
    /// Whether it gets the variables and the mount too.
    pub identity: bool,
}

/// All that is written into the pod. JSON texts, ready to be put in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The variables, each as an entry of `env`.
    pub env: Vec<String>,
    /// The mount, as an entry of `volumeMounts`.
    pub mount: String,
    /// What each container gets.
    pub injections: Vec<Injection>,
    /// The containers that the pod gets.
    pub containers: Vec<NewContainer>,
    /// The volume as an entry of `volumes`, and where it goes; `None` where it is there.
    pub volume: Option<(Slot, String)>,
}

impl Plan {
    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.injections.is_empty() && self.containers.is_empty() && self.volume.is_none()
    }
}
