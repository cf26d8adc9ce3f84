//! GitLab's code quality report ("Code Quality", "Import code quality results from a CI/CD job").

use serde_json::{Value, json};

use crate::{finding::Severity, judge::Judged, output::text};

/// The report.
#[must_use]
pub fn report(judged: &Judged) -> Value {
    let issues = judged.findings.iter().map(|finding| {
        let severity = match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Unknown => "info",
        };
        let file = finding.location.file.strip_prefix("./").unwrap_or(&finding.location.file);
        json!({"description": text(finding), "check_name": finding.rule, "fingerprint": finding.fingerprint(), "severity": severity,
            "location": {"path": file, "lines": {"begin": finding.location.start.line.max(1)}}})
    });
    issues.collect()
}
