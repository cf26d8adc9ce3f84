//! The workloads, by where their pod template is.

use crate::{
    json::{Json, Shape},
    object::{metadata::METADATA, pod::SPEC},
    value::kind::Kind,
};

static TEMPLATE: Shape = Shape::Object(&[("metadata", &METADATA), ("spec", &SPEC)]);
static JOB: Shape = Shape::Object(&[("template", &TEMPLATE)]);
/// A workload, down to its pod template.
pub(crate) static WORKLOAD: Shape = Shape::Object(&[
    ("metadata", &METADATA),
    (
        "spec",
        &Shape::Object(&[
            ("template", &TEMPLATE),
            ("jobTemplate", &Shape::Object(&[("metadata", &METADATA), ("spec", &JOB)])),
        ]),
    ),
]);

/// The kinds of workload, by where their pod template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// `spec.template`: Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job.
    Direct(Kind),
    /// `spec.jobTemplate.spec.template`: CronJob.
    CronJob,
}

impl Workload {
    /// Its `kind`.
    #[must_use]
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Direct(kind) => kind,
            Self::CronJob => Kind::CronJob,
        }
    }

    /// The way to its pod template.
    #[must_use]
    pub(crate) fn path(self) -> &'static [&'static str] {
        match self {
            Self::Direct(_) => &["spec", "template"],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template"],
        }
    }

    /// The objects around its pod template whose metadata is not copied to the pods, each with its path. The workload itself comes first.
    pub(crate) fn above<'j, 'a>(self, object: &'j Json<'a>) -> Vec<(&'static str, &'j Json<'a>)> {
        let job = match self {
            Self::Direct(_) => None,
            Self::CronJob => object.field("spec").and_then(|spec| spec.field("jobTemplate")),
        };
        let job = job.filter(|job| matches!(job, Json::Object(_)));
        [("", object)].into_iter().chain(job.map(|job| ("spec.jobTemplate", job))).collect()
    }

    /// The pod template; `None` where there is none.
    #[must_use]
    pub(crate) fn template<'j, 'a>(self, object: &'j Json<'a>) -> Option<&'j Json<'a>> {
        self.path()
            .iter()
            .try_fold(object, |json, name| json.field(name))
            .filter(|json| matches!(json, Json::Object(_)))
    }
}
