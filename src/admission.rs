//! Payload bytes in, verdict out: reads the request, and hands its object to the judge of its question.

use crate::{
    fields::Problem,
    host::look_up::LookUp,
    json::{self, Cursor, Json, Malformed, Shape, Unreadable},
    judge::{debug_containers, pod, service_account, workload},
    object::request::{self, PAYLOAD, Question},
    settings::Settings,
    tally::Tally,
    value::kind::Kind,
    verdict::{
        finding::{Finding, Severity},
        mistake::Mistake,
        outcome::Verdict,
        refusal::Refusal,
        response::examination,
        spot::Whole,
        title::Title,
    },
};

/// A payload that is not the protocol's JSON, so that no request can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotARequest(String);

impl std::fmt::Display for NotARequest {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "the payload is not a Kubewarden validation request: {}", self.0)
    }
}

impl std::error::Error for NotARequest {}

/// Answers a payload of the policy protocol, `{"request": …, "settings": …}`; `look_up` is asked for a ServiceAccount at most
/// twice.
///
/// # Errors
/// No JSON, or no request in it.
pub fn validate<'t>(payload: &'t [u8], look_up: LookUp) -> Result<Verdict<'t>, NotARequest> {
    let text = std::str::from_utf8(payload).map_err(|error| NotARequest(error.to_string()))?;
    match Json::parse(text, &PAYLOAD) {
        Ok(payload) => answer(&payload, look_up),
        Err(error) => {
            let found = match error {
                Unreadable::TooMuch => "an object of too many fields",
                Unreadable::NotJson(_) => "text that is not Unicode",
            };
            json::check(text).map_err(|error| NotARequest(error.to_string()))?;
            Ok(malformed(&Title::Request, vec![Malformed::at("request", found, "a request")]))
        }
    }
}

/// Answers a payload as [`validate`] does, with the findings as data, each with the path of its place; a payload without a request is answered
/// with the findings of its settings.
///
/// # Errors
/// As for [`validate`], but for a request that is absent.
pub fn examine(payload: &[u8], look_up: LookUp) -> Result<Vec<u8>, NotARequest> {
    let text = std::str::from_utf8(payload).map_err(|error| NotARequest(error.to_string()))?;
    if let Ok(fields @ Json::Object(_)) = Json::parse(text, &json::FIELDS)
        && fields.field("request").is_none()
    {
        return Ok(examine_settings(&fields));
    }
    let verdict = validate(payload, look_up)?;
    let whole = Json::parse(text, &Shape::Whole).ok();
    let object = whole.as_ref().and_then(|payload| payload.field("request")?.field("object"));
    let whole_of = |kind: Kind| Some(Whole { object: object?, template: request::template_of(kind)? });
    Ok(verdict.into_findings(&whole_of))
}

fn examine_settings(payload: &Json) -> Vec<u8> {
    let settings = payload.field("settings").and_then(Json::raw).unwrap_or("null");
    let (valid, severity, problems) = match Settings::parse(settings) {
        Ok(settings) => (true, Severity::Warning, settings.advice()),
        Err(problems) => (false, Severity::Error, problems),
    };
    let finding = |problem| Finding::of_setting(severity, problem).into_json(&|_| None);
    let findings: Vec<Json> = problems.first().iter().map(finding).collect();
    let omitted = problems.len() - findings.len();
    examination(format!("{{\"valid\":{valid}}}"), findings, omitted)
}

fn malformed<'t>(object: &Title, malformed: Vec<Malformed>) -> Verdict<'t> {
    let refusals = malformed.into_iter().map(|malformed| Refusal::new(object, Mistake::Malformed(malformed)));
    let mut verdict = Verdict::default();
    verdict.refusals.extend(refusals);
    verdict
}

fn answer<'t>(payload: &Json<'t>, look_up: LookUp) -> Result<Verdict<'t>, NotARequest> {
    let root = Cursor::root("", payload);
    let absent = |malformed: Malformed| NotARequest(malformed.to_string());
    let request = root.required("request", "an object").map_err(absent)?;
    let settings =
        root.field("settings").map_err(absent)?.and_then(|settings| settings.raw()).unwrap_or("null");
    let settings = match Settings::parse(settings) {
        Ok(settings) => settings,
        Err(problems) => return Ok(bad_settings(problems)),
    };
    let question = request::question(payload, &request).map_err(Vec::from);
    let judged = question.and_then(|question| route(&settings, &request, question, look_up));
    Ok(judged.unwrap_or_else(|found| malformed(&request::title(payload, &request), found)))
}

fn route<'t>(
    settings: &Settings,
    request: &Cursor<'_, '_>,
    question: Question<'t>,
    look_up: LookUp,
) -> Result<Verdict<'t>, Vec<Malformed>> {
    match question {
        Question::Pod(object, size) => pod::judge(settings, request, (object, size), look_up),
        Question::DebugContainers(change) => debug_containers::judge(settings, request, change),
        Question::ServiceAccount(change) => service_account::judge(settings, request, &change),
        Question::Workload(kind, change) => workload::judge(settings, request, kind, &change, look_up),
        Question::NotOurs => Ok(Verdict::accepted()),
    }
}

fn bad_settings<'t>(problems: Tally<Problem>) -> Verdict<'t> {
    Verdict::refused(Refusal::new(&Title::Policy, Mistake::BadSettings(problems)))
}
