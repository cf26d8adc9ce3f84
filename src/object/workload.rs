//! The workloads, by where their pod template is.

use crate::json::{FIELDS, Json, Shape};

static METADATA: Shape = Shape::Object(&[("labels", &FIELDS), ("annotations", &FIELDS)]);
static TEMPLATE: Shape = Shape::Object(&[("metadata", &METADATA)]);
static JOB: Shape = Shape::Object(&[("template", &TEMPLATE)]);
/// A workload, down to its pod template's metadata.
pub static WORKLOAD: Shape = Shape::Object(&[
    ("metadata", &METADATA),
    ("spec", &Shape::Object(&[("template", &TEMPLATE), ("jobTemplate", &Shape::Object(&[("spec", &JOB)]))])),
]);

/// The kinds of workload, by where their pod template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// `spec.template`: Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job.
    Direct(&'static str),
    /// `spec.jobTemplate.spec.template`: CronJob.
    CronJob,
}

impl Workload {
    /// Its `kind`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Direct(kind) => kind,
            Self::CronJob => "CronJob",
        }
    }

    /// The way to its pod template.
    #[must_use]
    pub fn path(self) -> &'static [&'static str] {
        match self {
            Self::Direct(_) => &["spec", "template"],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template"],
        }
    }

    /// The pod template; `None` where there is none.
    #[must_use]
    pub fn template<'j, 'a>(self, object: &'j Json<'a>) -> Option<&'j Json<'a>> {
        self.path()
            .iter()
            .try_fold(object, |json, name| json.field(name))
            .filter(|json| matches!(json, Json::Object(_)))
    }
}
