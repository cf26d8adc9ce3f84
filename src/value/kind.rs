//! The kinds of objects that the policy judges.

use std::fmt;

use k8s_openapi::{
    Resource,
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::{CronJob, Job},
        core::v1::{Pod, ReplicationController, ServiceAccount},
    },
};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pod.
    Pod,
    /// A ServiceAccount.
    ServiceAccount,
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A ReplicaSet.
    ReplicaSet,
    /// A ReplicationController.
    ReplicationController,
    /// A Job.
    Job,
    /// A CronJob.
    CronJob,
}

impl Kind {
    /// Its name, as in a manifest's `kind`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pod => Pod::KIND,
            Self::ServiceAccount => ServiceAccount::KIND,
            Self::Deployment => Deployment::KIND,
            Self::StatefulSet => StatefulSet::KIND,
            Self::DaemonSet => DaemonSet::KIND,
            Self::ReplicaSet => ReplicaSet::KIND,
            Self::ReplicationController => ReplicationController::KIND,
            Self::Job => Job::KIND,
            Self::CronJob => CronJob::KIND,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
