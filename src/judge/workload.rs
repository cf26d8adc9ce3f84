//! A workload: its pod template is judged as its pods will be.

use crate::{
    decide::{
        decision::{Decision, decide},
        due::{Due, no_such_name, resolve, unused_warnings},
    },
    host::look_up::{LookUp, LookUpFailure},
    json::{Cursor, Json, Malformed, Shape, text_of},
    object::{
        annotations::Annotations,
        pod::{Candidate, Metadata, SPEC, Spec},
        service_account::{Reference, ServiceAccount},
        workload::Workload,
    },
    settings::{Preflight, Settings},
    text::{cut_middle, printable},
    value::{names, token::PodName, use_label::UseLabel},
    verdict::{Fault, LogLine, Refusal, Verdict, Warning},
};

/// Judges a workload's pod template as its pods will be judged. An UPDATE that leaves the template as it was is not.
#[must_use]
pub fn judge(
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
        .and_then(Json::raw)
        .and_then(text_of);
    let name = name.unwrap_or_default();
    let title = format!("{} {namespace}/{name}", kind.kind());
    let (refusals, mut warnings) =
        match judged(settings, kind, namespace, (&title, &name), object, template, look_up) {
            Ok(judged) => judged,
            Err(malformed) => (vec![Refusal::malformed(title.clone(), &malformed)], Vec::new()),
        };
    let certain =
        |refusal: &Refusal| settings.preflight == Preflight::Enforce && refusal.fault == Fault::Template;
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

fn judged(
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
    let metadata = Metadata::of_template(&Cursor::root(&path, template), pods.clone())?;
    let mut warnings =
        misplaced(title, &path, &Metadata::of_template(&Cursor::root("", object), pods)?, &metadata);
    if settings.trigger.is_settled_by(&metadata.label) {
        warnings.extend(unused_warnings(settings, title, &metadata));
        return Ok((Vec::new(), warnings));
    }
    let path = format!("{path}.spec");
    let Some(spec) = template.field("spec").and_then(Json::raw) else {
        return Ok((Vec::new(), warnings));
    };
    let spec = Json::parse(spec, &SPEC).unwrap_or(Json::Raw("null".into()));
    let facts = Spec::read(&Cursor::root(&path, &spec))?;
    let pod = Candidate { title, namespace, metadata: &metadata, spec: &facts };
    let (refusals, found) = match resolve(settings, pod, look_up) {
        Due::No(warnings) => (Vec::new(), warnings),
        Due::NoSuchName(reference) => (vec![no_such_name(title, &reference)], Vec::new()),
        Due::Unreadable(reference, failure) => unread(settings, pod, reference, &failure),
        Due::Yes(decision) => {
            let Decision { plan, warnings, .. } = *decision;
            (plan.err().unwrap_or_default(), warnings)
        }
    };
    warnings.extend(found);
    Ok((refusals, warnings))
}

/// The ServiceAccount may be applied next: only what the template itself gets wrong is certain.
fn unread(settings: &Settings, pod: Candidate, reference: Reference, failure: &LookUpFailure) -> Judged {
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
    refusals.retain(|refusal| refusal.fault == Fault::Template);
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
