//! What was found, for machines: JSON lines, SARIF, and the annotations of a pull request on GitHub.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::response::AdmissionResponse;

/// Every message that the policy can give, with the name of its rule: the tables of this page, whose third column explains it.
const PAGE: &str = include_str!("../../docs/troubleshooting.md");

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// What is wrong.
    pub message: String,
    /// What repairs it, where the policy says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

/// A message, in which `…` stands for any text, and its rule.
type Pattern = (&'static str, &'static str);

fn patterns() -> Vec<Pattern> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let (message, rest) = row.split_once("` | `")?;
        Some((message, rest.split('`').next()?))
    })
    .collect()
}

/// Whether `text` is what `pattern` says, in which `…` stands for any text.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|head| text.strip_prefix(head)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// The rule of a message: of all that fit the one that says most.
#[must_use]
pub fn rule(message: &str) -> String {
    let of_container = message.strip_prefix("container ").and_then(|text| text.split_once(' '));
    let texts = [Some(message), of_container.map(|(_, text)| text)];
    let patterns = patterns();
    let fitting =
        patterns.iter().filter(|(pattern, _)| texts.iter().flatten().any(|text| fits(pattern, text)));
    fitting.max_by_key(|(pattern, _)| pattern.len()).map_or("unknown", |(_, rule)| rule).to_owned()
}

/// What the policy's answer says of an object.
#[must_use]
pub fn of_answer(file: &str, document: usize, response: &AdmissionResponse) -> Vec<Finding> {
    let finding = |severity, text: &str, cure| {
        let (object, message) = text.split_once(": ").unwrap_or(("", text));
        Finding {
            file: file.to_owned(),
            document,
            object: object.to_owned(),
            severity,
            rule: rule(message),
            message: message.to_owned(),
            cure,
        }
    };
    let mut found: Vec<Finding> = Vec::new();
    if !response.allowed {
        for line in response.message().lines() {
            match (line.strip_suffix(':').and_then(|line| line.rsplit_once("; ")), found.last_mut()) {
                (Some((problem, _)), _) => found.push(finding(Severity::Error, problem, None)),
                (None, Some(last)) => {
                    let cure = last.cure.take().map(|cure| cure + "\n").unwrap_or_default();
                    last.cure = Some(cure + line);
                }
                (None, None) => found.push(finding(Severity::Error, line, None)),
            }
        }
    }
    let warnings = response.warnings.iter().flatten();
    found.extend(warnings.map(|warning| finding(Severity::Warning, warning, None)));
    found
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
        message: message.to_owned(),
        cure: None,
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
    let cure = finding.cure.as_ref().map(|cure| format!("\n{cure}")).unwrap_or_default();
    format!("{object}{}{cure}", finding.message)
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
            "tool": {"driver": {"name": "policy-runner", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_a_rule_of_its_own() {
        let patterns = patterns();
        let rules: BTreeSet<&str> = patterns.iter().map(|(_, rule)| *rule).collect();
        assert!(
            patterns.len() > 50 && rules.len() == patterns.len(),
            "{} of {}",
            rules.len(),
            patterns.len()
        );
        assert_eq!(
            rule(
                "container app has AZURE_CLIENT_SECRET, which DefaultAzureCredential takes before the identity; remove it"
            ),
            "credential-wins"
        );
        assert_eq!(rule("spec.containers is an object, expected a list"), "malformed");
    }

    #[test]
    fn escapes_what_github_reads() {
        let finding = of_file(Severity::Error, "not-readable", "a,b.yaml: 100 %\nof it");
        assert_eq!(github(&finding), "::error file=a%2Cb.yaml,title=not-readable::100 %25%0Aof it");
    }
}
