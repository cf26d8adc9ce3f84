//! A SARIF 2.1.0 log (OASIS, "Static Analysis Results Interchange Format"), as GitHub's code scanning reads it.

use serde_json::{Value, json};

use crate::{
    finding::{Finding, Location, Severity},
    judge::Judged,
    output::{text, uri},
    rules,
};

/// The log of a run. `failure` says why not everything could be judged.
#[must_use]
pub fn log(judged: &Judged, version: &str, failure: Option<&str>) -> Value {
    let rules: Vec<Value> = rules::all()
        .into_iter()
        .filter(|rule| judged.findings.iter().any(|finding| finding.rule == rule.name))
        .map(|rule| json!({"id": rule.name, "shortDescription": {"text": rule.description}, "helpUri": rule.link}))
        .collect();
    let results = judged.findings.iter().map(|finding| result(finding, None));
    let accepted = judged.accepted.iter().map(|(finding, reason)| result(finding, Some(reason)));
    let mut notes: Vec<Value> = judged
        .passed_over
        .iter()
        .map(|one| json!({"level": "note", "message": {"text": format!("passed over: {}", one.text)}, "locations": [{"physicalLocation": place(&one.location)}]}))
        .collect();
    notes.extend(failure.map(|failure| json!({"level": "error", "message": {"text": failure}})));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "azwi-policy", "version": version,
                "informationUri": "https://github.com/example/azure-workload-identity-policy", "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": failure.is_none(), "toolExecutionNotifications": notes}],
            "properties": {"summary": judged.counts()},
            "results": results.chain(accepted).collect::<Vec<_>>(),
        }],
    })
}

fn result(finding: &Finding, reason: Option<&String>) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Unknown => "note",
    };
    let related: Vec<Value> = finding
        .related
        .iter()
        .enumerate()
        .map(|(id, one)| json!({"id": id, "message": {"text": one.object}, "physicalLocation": place(&one.location)}))
        .collect();
    let suppressions: Vec<Value> =
        reason.iter().map(|reason| json!({"kind": "inSource", "justification": reason})).collect();
    let mut result = json!({"ruleId": finding.rule, "level": level, "message": {"text": text(finding)},
        "locations": [{"physicalLocation": place(&finding.location), "logicalLocations": [{"fullyQualifiedName": finding.object.to_string(), "kind": "object"}]}],
        "partialFingerprints": {"azwiPolicy/v1": finding.fingerprint()}});
    if let Some(fields) = result.as_object_mut() {
        if !related.is_empty() {
            fields.insert("relatedLocations".to_owned(), Value::Array(related));
        }
        if !suppressions.is_empty() {
            fields.insert("suppressions".to_owned(), Value::Array(suppressions));
        }
    }
    result
}

fn place(location: &Location) -> Value {
    let artifact = json!({"uri": uri(&location.file)});
    if !location.is_known() {
        return json!({"artifactLocation": artifact});
    }
    let (start, end) = (location.start, location.end);
    let mut region = json!({"startLine": start.line, "startColumn": start.column});
    if let Some(fields) =
        region.as_object_mut().filter(|_| (end.line, end.column) > (start.line, start.column))
    {
        fields.insert("endLine".to_owned(), json!(end.line));
        fields.insert("endColumn".to_owned(), json!(end.column));
    }
    json!({"artifactLocation": artifact, "region": region})
}
