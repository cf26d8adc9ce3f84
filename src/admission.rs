//! Question → facts → plan → verdict, with the look-up between.

use std::borrow::Cow;

use crate::{
    decide::{
        decision::Decision,
        due::{Due, no_such_name, resolve, unused_warnings},
        inject, plan,
    },
    host::look_up::{LookUp, LookUpFailure},
    json::{self, Cursor, Json, Malformed, fields::Problem},
    judge::{debug_containers, service_account, workload},
    object::{
        pod::{self, Candidate, Metadata, PodKind, Spec, pod_title},
        request::{self, PAYLOAD, Question},
        service_account::SERVICE_ACCOUNT,
        workload::WORKLOAD,
    },
    settings::{OnLookupFailure, Settings},
    text::cut_middle,
    value::use_label::UseLabel,
    verdict::{Code, Fault, LogLine, Refusal, Verdict, Warning},
};

/// A payload that is not the protocol's JSON at all, so that there is nobody to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotARequest(String);

impl std::fmt::Display for NotARequest {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "the payload is not a Kubewarden validation request: {}", self.0)
    }
}

impl std::error::Error for NotARequest {}

/// Answers a payload of the policy protocol, `{"request": …, "settings": …}`.
///
/// # Errors
/// No JSON, or no request in it.
pub fn validate<'t>(payload: &'t [u8], look_up: LookUp) -> Result<Verdict<'t>, NotARequest> {
    let text = std::str::from_utf8(payload).map_err(|error| NotARequest(error.to_string()))?;
    match Json::parse(text, &PAYLOAD) {
        Ok(payload) => answer(&payload, look_up),
        Err(_) if json::check(text).is_ok() => Ok(Verdict::refused(Refusal::malformed(
            "Request".to_owned(),
            &Malformed {
                path: "request".to_owned(),
                found: "text that is not Unicode",
                expected: "a request",
            },
        ))),
        Err(error) => Err(NotARequest(error.to_string())),
    }
}

fn answer<'t>(payload: &Json<'t>, look_up: LookUp) -> Result<Verdict<'t>, NotARequest> {
    let root = Cursor::root("", payload);
    let absent = |malformed: Malformed| NotARequest(malformed.to_string());
    let request = root.required("request", "an object").map_err(absent)?;
    let settings =
        root.field("settings").map_err(absent)?.and_then(|settings| settings.raw()).unwrap_or("null");
    let settings = match Settings::parse(settings) {
        Ok(settings) => settings,
        Err(problems) => return Ok(Verdict::refused(bad_settings(&problems))),
    };
    let judged = request::question(&request).and_then(|question| match question {
        Question::Pod => pod(&settings, payload, &request, look_up),
        Question::DebugContainers => debug_containers(&settings, payload, &request),
        Question::ServiceAccount => {
            let object = request::object(payload, &request, &SERVICE_ACCOUNT)?;
            let old = request::old_object(payload, &SERVICE_ACCOUNT);
            service_account::judge(&settings, &namespace(&request)?, &object, old.as_ref())
        }
        Question::Workload(kind) => {
            let object = request::object(payload, &request, &WORKLOAD)?;
            let old = request::old_object(payload, &WORKLOAD);
            Ok(workload::judge(&settings, kind, &namespace(&request)?, &object, old.as_ref(), look_up))
        }
        Question::NotOurs => Ok(Verdict::accepted()),
    });
    Ok(judged
        .unwrap_or_else(|malformed| Verdict::refused(Refusal::malformed("Request".to_owned(), &malformed))))
}

fn bad_settings(problems: &[Problem]) -> Refusal {
    Refusal {
        object: "Policy".to_owned(),
        problem: format!("its settings are not valid: {}", crate::json::fields::explain(problems)),
        hint: "repair them in the policy's spec.settings:",
        cure: "kubectl edit clusteradmissionpolicy".to_owned(),
        code: Code::InternalServerError,
        fault: Fault::Elsewhere,
    }
}

/// A pod is created: it gets its identity, or is refused, or is none of ours.
fn pod<'t>(
    settings: &Settings,
    payload: &Json<'t>,
    request: &Cursor<'_, '_>,
    look_up: LookUp,
) -> Result<Verdict<'t>, Malformed> {
    let mut object = request::object(payload, request, &pod::POD)?;
    let metadata = Metadata::read(&Cursor::root("", &object))?;
    if metadata.kind == PodKind::Mirror {
        return Ok(Verdict::accepted());
    }
    if settings.trigger.is_settled_by(&metadata.label) {
        let namespace =
            request.field("namespace")?.map(|namespace| namespace.as_text()).transpose()?.unwrap_or_default();
        return Ok(Verdict::warned(unused_warnings(
            settings,
            &pod_title(&namespace, &metadata.name),
            &metadata,
        )));
    }
    let namespace = namespace(request)?;
    let title = pod_title(&namespace, &metadata.name);
    let judged = spec_of(&object).and_then(|mut spec| {
        let due = {
            let facts = Spec::read(&Cursor::root("spec", &spec))?;
            resolve(
                settings,
                Candidate { title: &title, namespace: &namespace, metadata: &metadata, spec: &facts },
                look_up,
            )
        };
        Ok(conclude(settings, &title, &namespace, &metadata, due, |plan| {
            inject::apply(plan, &mut spec);
            if let Some(place) = object.field_mut("spec") {
                *place = spec;
            }
            object
        }))
    });
    Ok(judged.unwrap_or_else(|malformed| Verdict::refused(Refusal::malformed(title, &malformed))))
}

/// The request's namespace, which every object that this policy looks at has.
fn namespace<'t>(request: &Cursor<'_, 't>) -> Result<Cow<'t, str>, Malformed> {
    let namespace = request.required("namespace", "the object's namespace")?.as_text()?;
    if namespace.is_empty() {
        return Err(Malformed {
            path: "request.namespace".to_owned(),
            found: "empty",
            expected: "the object's namespace",
        });
    }
    Ok(namespace)
}

/// A container is added to a running pod for debugging.
fn debug_containers<'t>(
    settings: &Settings,
    payload: &Json<'t>,
    request: &Cursor<'_, '_>,
) -> Result<Verdict<'t>, Malformed> {
    let object = request::object(payload, request, &pod::POD)?;
    let spec = spec_of(&object)?;
    let old = request::old_object(payload, &pod::POD).and_then(|old| spec_of(&old).ok());
    debug_containers::judge(settings, &namespace(request)?, object, spec, old.as_ref())
}

/// The spec of a pod, looked into.
fn spec_of<'t>(object: &Json<'t>) -> Result<Json<'t>, Malformed> {
    let root = Cursor::root("", object);
    let spec = root.required("spec", "an object")?;
    let text = object.field("spec").and_then(Json::raw);
    let json = text
        .and_then(|text| Json::parse(text, &pod::SPEC).ok())
        .ok_or_else(|| spec.malformed("an object"))?;
    if matches!(json, Json::Object(_)) { Ok(json) } else { Err(spec.malformed("an object")) }
}

fn conclude<'t>(
    settings: &Settings,
    title: &str,
    namespace: &str,
    metadata: &Metadata,
    due: Due,
    write: impl FnOnce(plan::Plan) -> Json<'t>,
) -> Verdict<'t> {
    let log = LogLine { namespace: namespace.to_owned(), object: title.to_owned(), message: None };
    let asks = !matches!(metadata.label, UseLabel::Absent | UseLabel::Other(_));
    match due {
        Due::No(warnings) => Verdict::warned(warnings),
        Due::NoSuchName(reference) => Verdict::refused(no_such_name(title, &reference)),
        Due::Unreadable(_, LookUpFailure::NotFound) if !asks => {
            Verdict::warned(unused_warnings(settings, title, metadata))
        }
        Due::Unreadable(reference, failure)
            if !asks && settings.on_lookup_failure == OnLookupFailure::Admit =>
        {
            let text = format!(
                "could not be read ({}): Pod {} is admitted without an identity",
                failure.cause(),
                metadata.name
            );
            let warning = Warning::new(reference.title(), cut_middle(&text, 200));
            let message = Some(failure.refusal(title.to_owned(), &reference).problem);
            Verdict { warnings: vec![warning], log: Some(LogLine { message, ..log }), ..Verdict::default() }
        }
        Due::Unreadable(reference, failure) => {
            let refusal = failure.refusal(title.to_owned(), &reference);
            Verdict {
                log: Some(LogLine { message: Some(refusal.problem.clone()), ..log }),
                ..Verdict::refused(refusal)
            }
        }
        Due::Yes(decision) => {
            let Decision { plan, warnings, audit, .. } = *decision;
            let (mutated, refusals) = match plan {
                Ok(plan) if plan.is_empty() => (None, Vec::new()),
                Ok(plan) => (Some(write(plan)), Vec::new()),
                Err(refusals) => (None, refusals),
            };
            let message = refusals.first().map(|refusal| refusal.problem.clone());
            Verdict { refusals, warnings, mutated, audit: Some(audit), log: Some(LogLine { message, ..log }) }
        }
    }
}
