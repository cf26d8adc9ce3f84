//! What the policy answers: accepted or refused, with warnings, audit annotations and a log line.

use std::fmt;

use crate::{
    json::{Json, Malformed},
    text::{cut_middle, printable},
};

/// Why something is refused: which object, which field, what stands there, what would be accepted, how to repair it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The object, as `ServiceAccount default/myserviceaccount`.
    pub object: String,
    /// What is wrong with it, as `annotation … is "x", expected a UUID`.
    pub problem: String,
    /// What introduces the cure, as `repair it with:`.
    pub hint: &'static str,
    /// A command or a line of YAML that repairs it.
    pub cure: String,
    /// HTTP status code for the API server's answer.
    pub code: Code,
    /// Whose mistake it is.
    pub fault: Fault,
}

/// Whose mistake it is: a workload's template is certain to fail for its own, a ServiceAccount's can be mended in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The pod's, or its template's.
    Template,
    /// The ServiceAccount's, or that of something else outside of the pod.
    Elsewhere,
}

/// HTTP status codes of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// 400: the object is wrong.
    BadRequest,
    /// 403: the identity is not allowed here.
    Forbidden,
    /// 500: the ServiceAccount could not be read.
    InternalServerError,
}

impl Code {
    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::InternalServerError => 500,
        }
    }
}

impl Refusal {
    /// A request that can't be understood.
    #[must_use]
    pub fn malformed(object: String, malformed: &Malformed) -> Self {
        Self {
            object,
            problem: malformed.to_string(),
            hint: "compare it with what the API server expects:",
            cure: "kubectl explain pod.spec".to_owned(),
            code: Code::BadRequest,
            fault: Fault::Template,
        }
    }

    /// The same as a warning: the problem without its cure, which is in the refusal that comes of it.
    #[must_use]
    pub fn warning(&self) -> Warning {
        Warning::new(&self.object, cut_middle(&self.problem, 190))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}; {}\n{}", self.object, self.problem, self.hint, self.cure)
    }
}

/// A mistake that does not refuse the object. Shown by `kubectl` as `Warning: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The object it is about, as `ServiceAccount default/myserviceaccount`; cut in its middle where space is short.
    pub about: String,
    /// What is to be said of it.
    pub text: String,
}

/// Longest warning, in characters: the API server cuts longer ones (Kubernetes `admission/v1` `AdmissionResponse.Warnings`).
pub const WARNING_MAX: usize = 256;

/// Most warnings that are sent: the API server drops all that is beyond 4,096 characters together (Kubernetes `apiserver`
/// `pkg/endpoints/filters/warning.go`, `truncateAtTotalRunes`).
pub const WARNINGS_MAX: usize = 16;

/// Most reasons that a refusal gives: a pod of a thousand containers can be wrong a thousand times in one way.
pub const REFUSALS_MAX: usize = 10;

impl Warning {
    /// A warning about `about`.
    #[must_use]
    pub fn new(about: impl Into<String>, text: impl Into<String>) -> Self {
        Self { about: about.into(), text: text.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = cut_middle(&printable(&self.text), WARNING_MAX - 40);
        let room = WARNING_MAX - 2 - text.chars().count();
        write!(f, "{}: {text}", cut_middle(&printable(&self.about), room))
    }
}

/// Who got, or should have got, which identity: the audit annotations and the fields of the log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The ServiceAccount, as `default/myserviceaccount`.
    pub service_account: String,
    /// Its managed identity's client id, if there is one that can be used.
    pub client_id: Option<String>,
    /// The tenant, if it is known.
    pub tenant_id: Option<String>,
    /// The token's subject, which the federated credential must hold.
    pub subject: String,
}

impl Audit {
    /// The audit annotations: those that have a value.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("service-account", Some(self.service_account.as_str())),
            ("client-id", self.client_id.as_deref()),
            ("tenant-id", self.tenant_id.as_deref()),
            ("subject", Some(self.subject.as_str())),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
    }
}

/// How it ended, for the log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The pod got its identity.
    Mutated,
    /// Accepted as it is.
    Accepted,
    /// Refused.
    Refused,
}

/// The one line that is logged for a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Namespace of the request.
    pub namespace: String,
    /// What was judged, as `Pod default/yadaapi`.
    pub object: String,
    /// For a refusal, its text.
    pub message: Option<String>,
}

/// The answer.
#[derive(Debug, Default)]
pub struct Verdict<'a> {
    /// Why it is refused; accepted where this is empty.
    pub refusals: Vec<Refusal>,
    /// What is said all the same.
    pub warnings: Vec<Warning>,
    /// The object as it shall be; none where nothing changes.
    pub mutated: Option<Json<'a>>,
    /// Audit annotations.
    pub audit: Option<Audit>,
    /// What is logged, if anything.
    pub log: Option<LogLine>,
}

impl Verdict<'_> {
    /// Accepted, with nothing to say.
    #[must_use]
    pub fn accepted() -> Self {
        Self::default()
    }

    /// Accepted, with warnings.
    #[must_use]
    pub fn warned(warnings: Vec<Warning>) -> Self {
        Self { warnings, ..Self::default() }
    }

    /// Refused for one reason.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self { refusals: vec![refusal], ..Self::default() }
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (&self.refusals[..], &self.mutated) {
            ([], Some(_)) => Outcome::Mutated,
            ([], None) => Outcome::Accepted,
            ([_, ..], _) => Outcome::Refused,
        }
    }

    /// What the user reads of a refusal: the first reasons, and how many more there are.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let mut texts: Vec<String> =
            self.refusals.iter().take(REFUSALS_MAX).map(ToString::to_string).collect();
        if let more @ 1.. = self.refusals.len().saturating_sub(REFUSALS_MAX) {
            texts.push(format!("and {more} more of these"));
        }
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    /// The warnings as they are sent: the first ones, and how many more there are.
    fn warning_texts(&self) -> Vec<String> {
        let sent = if self.warnings.len() > WARNINGS_MAX { WARNINGS_MAX - 1 } else { WARNINGS_MAX };
        let mut texts: Vec<String> = self.warnings.iter().take(sent).map(ToString::to_string).collect();
        if let more @ 1.. = self.warnings.len().saturating_sub(sent) {
            texts.push(format!("and {more} more warnings of this policy"));
        }
        texts
    }

    /// The answer in the protocol's JSON, `kubewarden_policy_sdk::response::ValidationResponse`; fields without a value are
    /// left out. That type itself would read the mutated object into a `serde_json::Value` first.
    #[must_use]
    pub fn into_response(self) -> Vec<u8> {
        let accepted = self.refusals.is_empty();
        let mut fields = vec![("accepted", Json::Raw(if accepted { "true" } else { "false" }.into()))];
        if let Some(message) = self.message() {
            fields.push(("message", Json::text(&message)));
        }
        if let Some(code) = self.refusals.iter().map(|refusal| refusal.code).max() {
            fields.push(("code", Json::Raw(code.number().to_string().into())));
        }
        if let Some(audit) = &self.audit {
            let audit = audit.fields().map(|(name, value)| (name.into(), Json::text(value)));
            fields.push(("audit_annotations", Json::Object(audit.collect())));
        }
        if !self.warnings.is_empty() {
            let warnings = self.warning_texts();
            fields.push(("warnings", Json::List(warnings.iter().map(|text| Json::text(text)).collect())));
        }
        if let (true, Some(mutated)) = (accepted, self.mutated) {
            fields.push(("mutated_object", mutated));
        }
        let mut out = String::new();
        Json::Object(fields.into_iter().map(|(name, json)| (name.into(), json)).collect()).write(&mut out);
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_name_but_never_the_cure() {
        let warning = Warning::new(format!("Pod {}/{}", "n".repeat(63), "p".repeat(253)), "x".repeat(150));
        let text = warning.to_string();
        assert_eq!(text.chars().count(), 256);
        assert!(text.starts_with("Pod nnn") && text.ends_with(&format!("ppp: {}", "x".repeat(150))));
    }

    #[test]
    fn answers_in_the_protocols_json() {
        let verdict = Verdict {
            mutated: Some(Json::parse(r#"{"a":1.0}"#, &crate::json::FIELDS).unwrap()),
            ..Verdict::default()
        };
        assert_eq!(verdict.into_response(), br#"{"accepted":true,"mutated_object":{"a":1.0}}"#);
        let response: kubewarden_policy_sdk::response::ValidationResponse =
            serde_json::from_slice(&Verdict::warned(vec![Warning::new("Pod a/b", "c")]).into_response())
                .unwrap();
        assert_eq!((response.accepted, response.warnings), (true, Some(vec!["Pod a/b: c".to_owned()])));
    }
}
