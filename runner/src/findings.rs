//! What was found, for machines: JSON lines, SARIF, and the annotations of a pull request on GitHub.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub mod policy;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is refused, or can't be read.
    Error,
    /// It is said, and accepted.
    Warning,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, `-` for standard input.
    pub file: String,
    /// The number of the document there, from 1; 0 where the file is meant.
    pub document: usize,
    /// The object, as `ServiceAccount team/web`; empty where a file is meant.
    pub object: String,
    /// How grave it is.
    pub severity: Severity,
    /// The rule, by its name in docs/troubleshooting.md.
    pub rule: String,
    /// Where in the object, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The container that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What repairs it, where the policy says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// What the policy found of an object in a document of a file.
#[must_use]
pub fn of_object(file: &str, document: usize, found: &policy::Finding) -> Finding {
    let policy::Finding {
        rule,
        severity,
        object,
        container,
        message,
        fix,
        command,
        manifest,
        link,
        path,
        ..
    } = found;
    let paste = [command, manifest, link].into_iter().flatten().next();
    // The words before what is pasted.
    let fix = paste.or(fix.as_ref()).cloned();
    let about = container.as_ref().filter(|_| *severity == Severity::Warning);
    Finding {
        file: file.to_owned(),
        document,
        object: object.to_string(),
        severity: *severity,
        rule: rule.clone(),
        path: path.clone(),
        container: container.clone(),
        message: about.map_or_else(|| message.clone(), |name| format!("container {name} {message}")),
        fix,
    }
}

/// A finding of a file as such.
#[must_use]
pub fn of_file(severity: Severity, rule: &str, text: &str) -> Finding {
    let (file, message) = text.split_once(": ").unwrap_or(("", text));
    Finding {
        file: file.to_owned(),
        document: 0,
        object: String::new(),
        severity,
        rule: rule.to_owned(),
        path: None,
        container: None,
        message: message.to_owned(),
        fix: None,
    }
}

/// A line that GitHub shows beside the file of a pull request ("Workflow commands").
#[must_use]
pub fn github(finding: &Finding) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!(
        "::{level} file={},title={}::{}",
        property(&finding.file),
        property(&finding.rule),
        escape(&text(finding))
    )
}

fn text(finding: &Finding) -> String {
    let object = if finding.object.is_empty() { String::new() } else { format!("{}: ", finding.object) };
    let fix = finding.fix.as_ref().map(|fix| format!("\n{fix}")).unwrap_or_default();
    format!("{object}{}{fix}", finding.message)
}

/// All findings as a SARIF 2.1.0 log.
#[must_use]
pub fn sarif(findings: &[Finding]) -> Value {
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    let rules: Vec<Value> = rules.into_iter().map(|rule| json!({"id": rule})).collect();
    let results = findings.iter().map(|finding| {
        json!({"ruleId": finding.rule, "level": finding.severity, "message": {"text": text(finding)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": finding.file}}}]})
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "azwi-policy", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_github_reads() {
        let finding = of_file(Severity::Error, "not-readable", "a,b.yaml: 100 %\nof it");
        assert_eq!(github(&finding), "::error file=a%2Cb.yaml,title=not-readable::100 %25%0Aof it");
    }
}
