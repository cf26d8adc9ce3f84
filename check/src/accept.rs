//! Findings that an object's own annotation accepts: `accept.azwi-policy/RULE: "the reason"`. The policy ignores it.

use serde_json::Value;

use crate::{
    finding::{Finding, Severity},
    judge::{Judged, Plan},
    object::Object,
    policy::{self, Examination},
    yaml::Step,
};

/// What the annotations' names begin with. It is not the prefix of Microsoft Entra Workload ID, whose names the policy reads.
pub const PREFIX: &str = "accept.azwi-policy/";

/// What was found, by the answers to all questions of a plan, without what the objects accept.
#[must_use]
pub fn finish(plan: Plan, answers: Vec<Examination>) -> Judged {
    let mut judged = plan.finish(answers);
    accept(&mut judged);
    judged
}

/// Moves the findings that their objects accept. An acceptance without a reason, or of what was not found, is a finding itself.
fn accept(judged: &mut Judged) {
    let annotated: Vec<usize> = (0..judged.objects.len())
        .filter(|index| judged.objects.get(*index).is_some_and(|object| annotations(object).next().is_some()))
        .collect();
    for index in annotated {
        let Some(object) = judged.objects.get(index).cloned() else { continue };
        for (name, value) in annotations(&object) {
            let rule = name.strip_prefix(PREFIX).unwrap_or_default();
            let path = [Step::field("metadata"), Step::field("annotations"), Step::field(name)];
            let reason = value.as_str().unwrap_or_default().trim();
            let fits = |finding: &Finding| finding.rule == rule && is_about(finding, &object);
            let message = if reason.is_empty() {
                format!("annotation {name} gives no reason, and accepts nothing")
            } else if !judged.findings.iter().any(fits) {
                format!("annotation {name} accepts what is not found here")
            } else {
                for entry in &mut judged.entries {
                    entry.findings.retain(|number| !judged.findings.get(*number).is_some_and(fits));
                    entry.elsewhere.retain(|number| !judged.findings.get(*number).is_some_and(fits));
                }
                let taken: Vec<Finding> =
                    judged.findings.iter().filter(|finding| fits(finding)).cloned().collect();
                judged.accepted.extend(taken.into_iter().map(|finding| (finding, reason.to_owned())));
                continue;
            };
            judged.findings.push(object.finding("", Severity::Warning, "accept", &path, message));
        }
    }
    let accepted: Vec<Finding> = judged.accepted.iter().map(|(finding, _)| finding.clone()).collect();
    judged.keep(|finding| !accepted.contains(finding));
}

fn annotations(object: &Object) -> impl Iterator<Item = (&String, &Value)> {
    let all = object.value.pointer("/metadata/annotations").and_then(Value::as_object);
    all.into_iter().flatten().filter(|(name, _)| name.starts_with(PREFIX))
}

/// Whether a finding is placed in an object. An error is no matter of taste.
fn is_about(finding: &Finding, object: &Object) -> bool {
    let there = &finding.location;
    let (start, end) = (object.spot.start.offset, object.spot.end.offset);
    finding.severity != Severity::Error
        && *there.file == *object.file
        && there.document == object.document
        && (start..=end).contains(&there.start.offset)
        && finding.object != policy::Object::default()
}
