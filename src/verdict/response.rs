//! A verdict in the protocol's JSON, short enough for the API server and for a reader.

use crate::{
    json::Json,
    tally::Tally,
    value::kind::Kind,
    verdict::{finding::Finding, outcome::Verdict, refusal::Refusal, spot::Whole},
};

/// Most warnings that are sent: the API server drops all that is beyond 4,096 characters together (Kubernetes `apiserver`
/// `pkg/endpoints/filters/warning.go`, `truncateAtTotalRunes`).
const WARNINGS_MAX: usize = 16;

/// Most reasons that a refusal gives: a pod of a thousand containers can be wrong a thousand times in one way.
const REFUSALS_MAX: usize = 10;

/// Longest message, in bytes; one reason always fits.
const MESSAGE_MAX: usize = 4_096;

/// The first reasons, and how many more there are.
pub(crate) fn message(refusals: &Tally<Refusal>) -> Option<String> {
    let (mut text, mut told) = (String::new(), 0);
    for reason in refusals.first().iter().take(REFUSALS_MAX).map(ToString::to_string) {
        if told > 0 && text.len() + reason.len() > MESSAGE_MAX - 40 {
            break;
        }
        text = if told == 0 { reason } else { format!("{text}\n{reason}") };
        told += 1;
    }
    if let more @ 1.. = refusals.len() - told {
        text = format!("{text}\n{}", more_refusals(more));
    }
    (told > 0).then_some(text)
}

/// The line that stands for the rest of a refusal's reasons.
pub(crate) fn more_refusals(more: usize) -> String {
    format!("and {more} more like these")
}

/// The line that stands for the rest of the warnings.
pub(crate) fn more_warnings(more: usize) -> String {
    format!("and {more} more warnings from this policy")
}

impl Verdict<'_> {
    /// The warnings as they are sent: the first ones, and how many more there are.
    fn warning_texts(&self) -> Vec<String> {
        let sent = if self.warnings.len() > WARNINGS_MAX { WARNINGS_MAX - 1 } else { WARNINGS_MAX };
        let mut texts: Vec<String> =
            self.warnings.first().iter().take(sent).map(ToString::to_string).collect();
        if let more @ 1.. = self.warnings.len().saturating_sub(sent) {
            texts.push(more_warnings(more));
        }
        texts
    }

    /// The answer in the protocol's JSON, `kubewarden_policy_sdk::response::ValidationResponse`; fields without a value are
    /// left out. That type itself would read the mutated object into a `serde_json::Value` first.
    #[must_use]
    pub fn into_response(self) -> Vec<u8> {
        let accepted = self.refusals.is_empty();
        let mut fields = vec![("accepted", Json::Raw(if accepted { "true" } else { "false" }.into()))];
        if let Some(message) = message(&self.refusals) {
            fields.push(("message", Json::text(&message)));
        }
        if let Some(code) = self.refusals.first().iter().map(Refusal::code).max() {
            fields.push(("code", Json::Raw(code.number().to_string().into())));
        }
        if let Some(audit) = &self.audit {
            let audit = audit.fields().map(|(name, value)| (name.into(), Json::text(&value)));
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

impl Verdict<'_> {
    /// The answer and its findings, as JSON: `{"response": …, "findings": […], "omitted": …}`. A finding has `rule`, `severity`, `object`
    /// (`kind`, `namespace`, `name`) and `message`, and as far as they are known `path`, `container`, `found`, `fix`, and what to paste:
    /// `command`, `manifest` or `link`. `omitted` is how many more there are than the first hundred of each severity. `whole_of` gives the
    /// object of a kind in which paths are looked for, if it is at hand.
    #[must_use]
    pub(crate) fn into_findings<'j, 'a: 'j>(
        self,
        whole_of: &dyn Fn(Kind) -> Option<Whole<'j, 'a>>,
    ) -> Vec<u8> {
        let refusals = self.refusals.first().iter().map(Finding::of_refusal);
        let findings = refusals.chain(self.warnings.first().iter().map(Finding::of_warning));
        let findings: Vec<Json> = findings.map(|finding| finding.into_json(whole_of)).collect();
        let omitted = self.refusals.len() + self.warnings.len() - findings.len();
        let response = String::from_utf8(self.into_response()).unwrap_or_default();
        examination(response, findings, omitted)
    }
}

/// What the function `findings` answers.
pub(crate) fn examination(response: String, findings: Vec<Json>, omitted: usize) -> Vec<u8> {
    let all = Json::Object(vec![
        ("response".into(), Json::Raw(response.into())),
        ("findings".into(), Json::List(findings)),
        ("omitted".into(), Json::Raw(omitted.to_string().into())),
    ]);
    let mut out = String::new();
    all.write(&mut out);
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{mistake::Mistake, notice::Notice, title::Title, warning::Warning};

    #[test]
    fn a_message_of_any_names_stays_within_its_limit() {
        for length in 1..=253 {
            let title = Title::of(Kind::Pod, "a", &"n".repeat(length));
            let mut refusals = Tally::default();
            for _ in 0..20 {
                refusals.push(Refusal::new(&title, Mistake::ProxyOnHostNetwork));
            }
            let text = message(&refusals).unwrap();
            assert!(
                text.len() <= MESSAGE_MAX && text.ends_with(" more like these"),
                "{length}: {}",
                text.len()
            );
        }
    }

    #[test]
    fn answers_in_the_protocols_json() {
        let verdict = Verdict {
            mutated: Some(Json::parse(r#"{"a":1.0}"#, &crate::json::FIELDS).unwrap()),
            ..Verdict::default()
        };
        assert_eq!(verdict.into_response(), br#"{"accepted":true,"mutated_object":{"a":1.0}}"#);
        let warning = Warning::new(&Title::of(Kind::Pod, "a", "b"), Notice::RetiredBinding);
        let text = warning.to_string();
        let response: kubewarden_policy_sdk::response::ValidationResponse =
            serde_json::from_slice(&Verdict::warned(warning.into()).into_response()).unwrap();
        assert_eq!((response.accepted, response.warnings), (true, Some(vec![text])));
    }
}
