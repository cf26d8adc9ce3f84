//! The identities of a pod's containers.

use crate::decide::identity::{
    container_annotation::{ContainerIdentities, Other},
    service_account::Identity,
};

/// Who the containers are.
#[derive(Debug)]
pub(crate) struct Identities<'i, 's> {
    /// The pod's identity, which most containers get.
    pub(crate) pods: &'i Identity,
    /// For each container that is due an identity: its own identity, if that differs from the pod's.
    pub(crate) own: &'i [Option<Other<'s>>],
    /// The identities that the pod gives to containers by name.
    pub(crate) named: &'i ContainerIdentities<'s>,
    /// The containers that the pod gets and that are due an identity.
    pub(crate) new_due: &'i [&'static str],
}

impl<'s> Identities<'_, 's> {
    /// The identity of a container: `other` if it has one, otherwise the pod's.
    pub(crate) fn of<'a>(&'a self, other: Option<&'a Other>) -> &'a Identity {
        other.map_or(self.pods, |other| &other.identity)
    }

    /// The identity that the pod gives by name to a container that is added, if any.
    pub(crate) fn of_new(&self, name: &str) -> Option<Other<'s>> {
        self.named.of(name, self.pods)
    }
}
