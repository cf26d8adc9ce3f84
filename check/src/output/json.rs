//! JSON texts, one a line: each finding, and at the end the counts and what was passed over.

use serde_json::{Map, Value, json};

use crate::{finding::Finding, judge::Judged};

/// The lines.
#[must_use]
pub fn lines(judged: &Judged) -> String {
    let findings = judged.findings.iter().map(|finding| Value::Object(object(finding)).to_string());
    let passed = judged.passed_over.iter().map(|one| json!({"file": &*one.location.file, "document": one.location.document, "line": one.location.start.line, "text": one.text}));
    let accepted = judged.accepted.iter().map(|(finding, reason)| {
        let mut accepted = object(finding);
        accepted.insert("reason".to_owned(), json!(reason));
        Value::Object(accepted)
    });
    let end = json!({"summary": judged.counts(), "passedOver": passed.collect::<Vec<_>>(), "accepted": accepted.collect::<Vec<_>>()});
    findings.map(|line| format!("{line}\n")).chain([format!("{end}\n")]).collect()
}

/// A finding.
#[must_use]
pub fn object(finding: &Finding) -> Map<String, Value> {
    let Finding { severity, rule, object, path, container, location, related, .. } = finding;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    put("file", json!(&*location.file));
    put("document", json!(location.document));
    if location.is_known() {
        put("line", json!(location.start.line));
        put("column", json!(location.start.column));
        put("endLine", json!(location.end.line));
        put("endColumn", json!(location.end.column));
    }
    put("source", json!(location.source.as_deref()));
    put("object", json!(object.to_string()));
    put("severity", json!(severity));
    put("rule", json!(rule));
    put("path", json!(path));
    put("container", json!(container));
    put("message", json!(finding.what()));
    put("fix", json!(finding.remedy()));
    put("fingerprint", json!(finding.fingerprint()));
    if !related.is_empty() {
        let related = related.iter().map(|one| json!({"object": one.object, "file": &*one.location.file, "line": one.location.start.line, "column": one.location.start.column}));
        put("related", related.collect());
    }
    fields
}
