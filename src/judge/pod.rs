//! A pod is created: it gets its identity, is refused, or does not concern the policy.

use crate::{
    decide::{
        decision::Decision,
        plan::{Plan, apply},
        resolve::{Due, resolve, unused_warnings},
    },
    host::look_up::LookUp,
    json::{Cursor, Json, Malformed},
    object::{
        metadata::{Metadata, PodKind},
        pod::{Candidate, Spec},
        request,
    },
    settings::{OnLookupFailure, Settings},
    tally::Tally,
    value::{reference::Reference, use_label::UseLabel},
    verdict::{
        facts::LookUpFailure,
        mistake::Mistake,
        notice::Notice,
        outcome::{LogLine, Verdict},
        refusal::Refusal,
        title::Title,
        warning::Warning,
    },
};

/// Judges the creation of `pod`.
///
/// # Errors
/// A pod or a request that can't be understood.
pub(crate) fn judge<'t>(
    settings: &Settings,
    request: &Cursor<'_, '_>,
    (mut pod, size): (Json<'t>, usize),
    look_up: LookUp,
) -> Result<Verdict<'t>, Vec<Malformed>> {
    let metadata = Metadata::read(&Cursor::root("", &pod))?;
    if metadata.kind == PodKind::Mirror {
        return Ok(Verdict::accepted());
    }
    if settings.trigger.is_settled_by(&metadata.label) {
        let namespace = request.field("namespace")?.map(|namespace| namespace.as_text()).transpose()?;
        let title = metadata.title(&namespace.unwrap_or_default());
        return Ok(Verdict::warned(unused_warnings(settings, &title, &metadata)));
    }
    let namespace = request::namespace(request)?;
    let title = metadata.title(&namespace);
    let due = {
        let root = Cursor::root("", &pod);
        let spec = Spec::read(&root.required("spec", "an object")?)?;
        let pod = Candidate { title: &title, namespace: &namespace, metadata: &metadata, spec: &spec, size };
        resolve(settings, pod, look_up)
    };
    Ok(conclude(settings, &title, &namespace, &metadata, due, |plan| {
        apply::apply(plan, &mut pod);
        pod
    }))
}

fn conclude<'t>(
    settings: &Settings,
    title: &Title,
    namespace: &str,
    metadata: &Metadata,
    due: Due,
    write: impl FnOnce(Plan) -> Json<'t>,
) -> Verdict<'t> {
    match due {
        Due::No(warnings) => Verdict::warned(warnings),
        Due::NoSuchName(name) => Verdict::refused(Refusal::new(title, Mistake::NoSuchName(name))),
        Due::Unreadable(reference, failure) => {
            unreadable(settings, title, namespace, metadata, reference, failure)
        }
        Due::Yes(decision) => {
            let Decision { plan, warnings, audit, .. } = *decision;
            let (mutated, refusals) = match plan {
                Ok(plan) if plan.is_empty() => (None, Tally::default()),
                Ok(plan) => (Some(write(plan)), Tally::default()),
                Err(refusals) => (None, refusals),
            };
            let log = LogLine::new(namespace, title, &refusals);
            Verdict { refusals, warnings, mutated, audit: Some(audit), log: Some(log) }
        }
    }
}

/// The pod's ServiceAccount could not be read. A pod whose own label asks for an identity is never admitted without one.
fn unreadable<'t>(
    settings: &Settings,
    title: &Title,
    namespace: &str,
    metadata: &Metadata,
    reference: Reference,
    failure: LookUpFailure,
) -> Verdict<'t> {
    let asks = !matches!(metadata.label, UseLabel::Absent | UseLabel::Other(_));
    if !asks && failure == LookUpFailure::NotFound {
        return Verdict::warned(unused_warnings(settings, title, metadata));
    }
    let account = reference.title();
    let refusal = Refusal::new(title, Mistake::LookUp { reference, failure: failure.clone() });
    let refusals = Tally::from(refusal);
    let log = LogLine::new(namespace, title, &refusals);
    if !asks && settings.on_lookup_failure == OnLookupFailure::Admit {
        let warning = Warning::new(&account, Notice::AdmittedUnread { pod: title.clone(), failure });
        return Verdict { warnings: warning.into(), log: Some(log), ..Verdict::default() };
    }
    Verdict { refusals, log: Some(log), ..Verdict::default() }
}
