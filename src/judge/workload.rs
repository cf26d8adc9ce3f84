//! A workload is created or updated: its pod template is judged as its pods will be.

use crate::{
    decide::{
        pod_request::PodRequest,
        resolve::{Due, resolve, unused_warnings},
        warnings::keys::Keys,
    },
    feature::allowed_identities::Governance,
    host::look_up::LookUp,
    json::{Cursor, Json, Malformed, Shape, text_of},
    object::{
        metadata::{Metadata, PodKind},
        pod::{Candidate, Spec},
        request::{self, Change},
        workload::Workload,
    },
    settings::{Preflight, Settings},
    tally::Tally,
    value::{
        layout::PodName,
        reference::Reference,
        use_label::{Trigger, UseLabel},
    },
    verdict::{
        facts::{Fault, LookUpFailure},
        mistake::Mistake,
        notice::Notice,
        outcome::{LogLine, Verdict},
        refusal::Refusal,
        title::Title,
        warning::{Warning, Warnings},
    },
};

/// Judges a workload's pod template. An UPDATE that leaves the template as it was is not judged.
///
/// # Errors
/// A request without a namespace.
pub(crate) fn judge(
    settings: &Settings,
    request: &Cursor<'_, '_>,
    kind: Workload,
    change: &Change,
    look_up: LookUp,
) -> Result<Verdict<'static>, Vec<Malformed>> {
    let namespace = request::namespace(request)?;
    let Some(template) = kind.template(&change.new) else { return Ok(Verdict::accepted()) };
    let old = change.old.as_ref().and_then(|old| kind.template(old));
    let workload = Named::read(kind, &namespace, &change.new);
    let marked = |object: &Json| {
        let above = kind.above(object).into_iter().map(|(path, json)| workload.metadata(path, json).ok());
        above.map(|own| own.map(|own| (own.label, own.annotations))).collect::<Vec<_>>()
    };
    let kept = || change.old.as_ref().is_some_and(|old| marked(old) == marked(&change.new));
    if settings.preflight == Preflight::Off || (old.is_some_and(|old| are_equal(old, template)) && kept()) {
        return Ok(Verdict::accepted());
    }
    let judged = judged(settings, &workload, (&namespace, change.size), &change.new, template, look_up);
    let (refusals, mut warnings) = judged.unwrap_or_else(|malformed| {
        let refusal = |malformed| Refusal::new(&workload.title, Mistake::Malformed(malformed));
        let mut refusals = Tally::default();
        refusals.extend(malformed.into_iter().map(refusal));
        (refusals, Warnings::default())
    });
    let certain =
        |refusal: &Refusal| settings.preflight == Preflight::Enforce && refusal.fault() == Fault::Template;
    let (refusals, later) = refusals.partition(certain);
    warnings.append(later.map(|refusal| refusal.of_pods(&workload.title)));
    let log = (!refusals.is_empty()).then(|| LogLine::new(&namespace, &workload.title, &refusals));
    Ok(Verdict { refusals, warnings, log, ..Verdict::default() })
}

/// A workload, and what its pods are called.
struct Named {
    kind: Workload,
    title: Title,
    pods: PodName,
}

impl Named {
    fn read(kind: Workload, namespace: &str, object: &Json) -> Self {
        let name = object.field("metadata").and_then(|metadata| metadata.field("name"));
        let name = name.and_then(Json::raw).and_then(text_of).unwrap_or_default();
        let title = Title::of(kind.kind(), namespace, &name);
        Self { kind, title, pods: PodName::Prefix(format!("{name}-")) }
    }

    /// The metadata of the object at `path` of the workload.
    fn metadata(&self, path: &str, json: &Json) -> Result<Metadata, Vec<Malformed>> {
        Metadata::of_template(&Cursor::root(path, json), self.pods.clone())
    }
}

fn are_equal(old: &Json, new: &Json) -> bool {
    let text = |json: &Json| {
        let mut text = String::new();
        json.write(&mut text);
        text
    };
    let (old, new) = (text(old), text(new));
    let whole = |text| Json::parse(text, &Shape::Whole);
    old == new || matches!((whole(&old), whole(&new)), (Ok(old), Ok(new)) if old.is_same(&new))
}

/// The reasons why the pods will be refused, and the warnings.
type Judged = (Tally<Refusal>, Warnings);

fn judged(
    settings: &Settings,
    workload: &Named,
    (namespace, size): (&str, usize),
    object: &Json,
    template: &Json,
    look_up: LookUp,
) -> Result<Judged, Vec<Malformed>> {
    let Named { kind, title, pods } = workload;
    let path = kind.path().join(".");
    let template = Cursor::root(&path, template);
    let metadata = Metadata::of_template(&template, pods.clone())?;
    let mut lost = None;
    let mut warnings = Warnings::default();
    let belongs = format!("{path}.metadata");
    for (above, json) in kind.above(object) {
        let own = workload.metadata(above, json)?;
        if own.label != UseLabel::Absent && metadata.label == UseLabel::Absent {
            lost = Some(lost_label(settings, title, &belongs));
        }
        Keys::of_pod(&own).misplaced(title, &belongs, Keys::of_pod(&metadata), &mut warnings);
    }
    if metadata.kind == PodKind::Mirror {
        return Ok((Tally::default(), warnings));
    }
    if settings.trigger.is_settled_by(&metadata.label) {
        warnings.extend(lost);
        warnings.append(unused_warnings(settings, title, &metadata));
        return Ok((Tally::default(), warnings));
    }
    let Some(spec) = template.field("spec")? else { return Ok((Tally::default(), warnings)) };
    let spec = Spec::read(&spec)?;
    let pod = Candidate { title, namespace, metadata: &metadata, spec: &spec, size };
    let due = resolve(settings, pod, look_up);
    if !matches!(due, Due::Yes(_)) {
        // If the ServiceAccount's label injects, the label on the workload is not a mistake.
        warnings.extend(lost);
    }
    let (refusals, found) = match due {
        Due::No(warnings) => (Tally::default(), warnings),
        Due::NoSuchName(name) => (Refusal::new(title, Mistake::NoSuchName(name)).into(), Warnings::default()),
        Due::Unreadable(reference, failure) => unread(settings, pod, reference, failure),
        Due::Yes(decision) => (decision.plan.err().unwrap_or_default(), decision.warnings),
    };
    warnings.append(found);
    Ok((refusals, warnings))
}

/// The ServiceAccount may be applied after the workload, so only the template's own mistakes are certain.
fn unread(settings: &Settings, pod: Candidate, reference: Reference, failure: LookUpFailure) -> Judged {
    let asks = pod.metadata.label == UseLabel::True;
    if !asks && failure == LookUpFailure::NotFound {
        return (Tally::default(), unused_warnings(settings, pod.title, pod.metadata));
    }
    let warnings = Warning::new(pod.title, Notice::WorkloadUnread { reference, failure }).into();
    if !settings.trigger.injects(&pod.metadata.label, &UseLabel::Absent) {
        return (Tally::default(), warnings);
    }
    let governance = Governance::of(settings.allowed_identities.as_deref(), pod.namespace);
    (PodRequest::read(settings, governance.as_ref(), pod, None).mistakes, warnings)
}

/// Warns about the label on the workload itself, which is not copied to its pods.
fn lost_label(settings: &Settings, title: &Title, belongs: &str) -> Warning {
    let belongs = if settings.trigger == Trigger::ServiceAccount { "the ServiceAccount" } else { belongs };
    Warning::new(title, Notice::misplaced_label(belongs.to_owned()))
}
