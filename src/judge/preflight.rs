//! Mistakes caught where they are made: in `ServiceAccounts`, and in the pod templates of workloads.

use crate::{
    decide::{
        due::{Finding, find, no_such_name, unused_warnings},
        plan::{self, Decision, Subjected, decide},
        warnings,
    },
    host::look_up::{LookUp, LookUpFailure},
    json::{At, FIELDS, Json, Malformed, Shape, text_of},
    object::{
        annotations::{Annotations, Place},
        pod::{Metadata, SPEC, Spec},
        service_account::{Reference, ServiceAccount},
    },
    settings::Settings,
    value::{
        names,
        token::PodName,
        use_label::{Trigger, UseLabel},
    },
    verdict::{Blame, LogLine, Refusal, Verdict, Warning, cut_middle, printable},
};

/// The setting `preflight`: what is done about a workload whose pods will fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preflight {
    /// Nothing.
    Off,
    /// Everything is a warning.
    Warn,
    /// What makes the pods certain to be refused is refused here.
    Enforce,
}

impl Preflight {
    /// The setting's values.
    pub const CHOICES: &'static [(&'static str, Self)] =
        &[("Off", Self::Off), ("Warn", Self::Warn), ("Enforce", Self::Enforce)];
}

// === ServiceAccounts ===

/// Checks a ServiceAccount as its pods will be. On UPDATE, what was wrong before is only a warning.
///
/// # Errors
/// A ServiceAccount that can't be understood.
pub fn service_account(
    settings: &Settings,
    namespace: &str,
    object: &Json,
    old: Option<&Json>,
) -> Result<Verdict<'static>, Malformed> {
    let new = read(namespace, object)?;
    let old = old.and_then(|old| read(namespace, old).ok());
    let title = new.reference.title();
    let mut warnings = warnings::of_label(&title, &new.label);
    let endpoint = settings.endpoint_annotation();
    warnings.extend(new.annotations.warnings(&title, Place::ServiceAccount, endpoint));
    let annotated = [names::CLIENT_ID, names::TENANT_ID, names::TOKEN_EXPIRATION]
        .iter()
        .any(|name| new.annotations.value(name).is_some());
    let labelled = new.label == UseLabel::True;
    if !labelled && settings.trigger == Trigger::ServiceAccount {
        if annotated {
            warnings.push(Warning::new(
                &title,
                format!("its annotations have no effect without the label {}=true", names::USE_LABEL),
            ));
        }
        return Ok(Verdict::warned(warnings));
    }
    if !labelled && !annotated {
        return Ok(Verdict::warned(warnings));
    }
    let mut known = Vec::new();
    if let Some(old) = &old {
        mistakes(settings, old, &mut known);
    }
    let mut found = Vec::new();
    let identity = mistakes(settings, &new, &mut found);
    let was_there = |refusal: &Refusal| known.iter().any(|old| old.problem == refusal.problem);
    let (old_mistakes, refusals): (Vec<Refusal>, Vec<Refusal>) = found.into_iter().partition(was_there);
    warnings.extend(old_mistakes.iter().map(Refusal::warning));
    if refusals.is_empty() && identity == Some(MissingClientId::Missing) && labelled {
        warnings.push(plan::no_client_id_warning(&new.reference));
    }
    let message = refusals.first().map(|refusal| refusal.problem.clone());
    let log = LogLine { namespace: namespace.to_owned(), object: title, message };
    Ok(Verdict {
        refusals,
        warnings,
        mutated: None,
        audit: Some(plan::audit(&new, settings)),
        log: Some(log),
    })
}

/// Whether an identity has a client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MissingClientId {
    There,
    Missing,
}

fn mistakes(
    settings: &Settings,
    service_account: &ServiceAccount,
    refusals: &mut Vec<Refusal>,
) -> Option<MissingClientId> {
    let identity = plan::service_account_identity(settings, service_account, refusals);
    if let Err(wrong) = service_account.token_expiration() {
        refusals.push(wrong.of_service_account(&service_account.reference));
    }
    identity.map(
        |(client_id, _)| if client_id.is_some() { MissingClientId::There } else { MissingClientId::Missing },
    )
}

fn read(namespace: &str, object: &Json) -> Result<ServiceAccount, Malformed> {
    let root = At::root("", object);
    let metadata = root.required("metadata", "an object")?;
    let text = |name| metadata.field(name)?.map(|at| at.as_text()).transpose();
    let name = match text("name")? {
        Some(name) => name.into_owned(),
        None => format!("{}*", text("generateName")?.unwrap_or_default()),
    };
    ServiceAccount::read(Reference { namespace: namespace.to_owned(), name }, &root)
}

// === Workloads ===

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
    fn kind(self) -> &'static str {
        match self {
            Self::Direct(kind) => kind,
            Self::CronJob => "CronJob",
        }
    }

    fn path(self) -> &'static [&'static str] {
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

/// Judges a workload's pod template as its pods will be judged. An UPDATE that leaves the template as it was is not.
#[must_use]
pub fn workload(
    settings: &Settings,
    kind: Workload,
    namespace: &str,
    object: &Json,
    old: Option<&Json>,
    look_up: LookUp,
) -> Verdict<'static> {
    let Some(template) = kind.template(object) else { return Verdict::accepted() };
    if settings.preflight == Preflight::Off
        || old.and_then(|old| kind.template(old)).is_some_and(|old| is_same(old, template))
    {
        return Verdict::accepted();
    }
    let name = object
        .field("metadata")
        .and_then(|metadata| metadata.field("name"))
        .and_then(Json::as_it_came)
        .and_then(text_of);
    let name = name.unwrap_or_default();
    let title = format!("{} {namespace}/{name}", kind.kind());
    let (refusals, mut warnings) =
        match judge(settings, kind, namespace, (&title, &name), object, template, look_up) {
            Ok(judged) => judged,
            Err(malformed) => (vec![Refusal::malformed(title.clone(), &malformed)], Vec::new()),
        };
    let certain = |refusal: &Refusal| settings.preflight == Preflight::Enforce && refusal.blame == Blame::Pod;
    let (refusals, later): (Vec<Refusal>, Vec<Refusal>) = refusals.into_iter().partition(certain);
    warnings.extend(later.iter().map(Refusal::warning));
    let message = refusals.first().map(|refusal| refusal.problem.clone());
    let log = message.is_some().then(|| LogLine { namespace: namespace.to_owned(), object: title, message });
    Verdict { refusals, warnings, log, ..Verdict::default() }
}

fn is_same(old: &Json, new: &Json) -> bool {
    let text = |json: &Json| {
        let mut text = String::new();
        json.write(&mut text);
        text
    };
    let (old, new) = (text(old), text(new));
    let whole = |text| Json::parse(text, &Shape::Whole);
    old == new || matches!((whole(&old), whole(&new)), (Ok(old), Ok(new)) if old.is_same(&new))
}

/// What will refuse the pods, and what is to be said.
type Judged = (Vec<Refusal>, Vec<Warning>);

fn judge(
    settings: &Settings,
    kind: Workload,
    namespace: &str,
    (title, name): (&str, &str),
    object: &Json,
    template: &Json,
    look_up: LookUp,
) -> Result<Judged, Malformed> {
    let path = kind.path().join(".");
    let pods = PodName::Prefix(format!("{name}-"));
    let metadata = Metadata::of_template(&At::root(&path, template), pods.clone())?;
    let mut warnings =
        misplaced(title, &path, &Metadata::of_template(&At::root("", object), pods)?, &metadata);
    if settings.trigger.is_settled_by(&metadata.label) {
        warnings.extend(unused_warnings(settings, title, &metadata));
        return Ok((Vec::new(), warnings));
    }
    let path = format!("{path}.spec");
    let Some(spec) = template.field("spec").and_then(Json::as_it_came) else {
        return Ok((Vec::new(), warnings));
    };
    let spec = Json::parse(spec, &SPEC).unwrap_or(Json::Raw("null".into()));
    let facts = Spec::read(&At::root(&path, &spec))?;
    let pod = Subjected { title, namespace, metadata: &metadata, spec: &facts };
    let (refusals, found) = match find(settings, pod, look_up) {
        Finding::NotDue(warnings) => (Vec::new(), warnings),
        Finding::NoSuchName(reference) => (vec![no_such_name(title, &reference)], Vec::new()),
        Finding::Failed(reference, failure) => unread(settings, pod, reference, &failure),
        Finding::Due(decision) => {
            let Decision { plan, warnings, .. } = *decision;
            (plan.err().unwrap_or_default(), warnings)
        }
    };
    warnings.extend(found);
    Ok((refusals, warnings))
}

/// The ServiceAccount may be applied next: only what the template itself gets wrong is certain.
fn unread(settings: &Settings, pod: Subjected, reference: Reference, failure: &LookUpFailure) -> Judged {
    let asks = matches!(pod.metadata.label, UseLabel::True);
    if !asks && *failure == LookUpFailure::NotFound {
        return (Vec::new(), unused_warnings(settings, pod.title, pod.metadata));
    }
    let text = format!("{}: pods of this workload get no identity until that is mended", failure.cause());
    let warnings = vec![Warning::new(reference.title(), text)];
    if !settings.trigger.injects(&pod.metadata.label, &UseLabel::Absent) {
        return (Vec::new(), warnings);
    }
    let unknown = ServiceAccount { reference, label: UseLabel::Absent, annotations: Annotations::default() };
    let mut refusals = decide(settings, pod, &unknown).plan.err().unwrap_or_default();
    refusals.retain(|refusal| refusal.blame == Blame::Pod);
    (refusals, warnings)
}

/// The label and annotations of the workload itself, which its pods do not get.
fn misplaced(title: &str, path: &str, own: &Metadata, template: &Metadata) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if own.label != UseLabel::Absent && template.label == UseLabel::Absent {
        let text = format!("label {} has no effect here, put it on {path}.metadata", names::USE_LABEL);
        warnings.push(Warning::new(title, text));
    }
    for name in own.annotations.names().filter(|name| template.annotations.present(name).is_none()) {
        let place = if [names::CLIENT_ID, names::TENANT_ID].contains(&name) {
            "the ServiceAccount".to_owned()
        } else {
            format!("{path}.metadata")
        };
        let text =
            format!("annotation {} has no effect here, put it on {place}", cut_middle(&printable(name), 90));
        warnings.push(Warning::new(title, text));
    }
    warnings
}
