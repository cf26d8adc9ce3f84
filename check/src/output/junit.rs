//! A report of `JUnit`'s form, as CI systems read it: a suite a file, a case an object.

use std::collections::BTreeMap;

use crate::{
    finding::{Finding, Severity},
    judge::Judged,
    output::text,
    report::speaks,
};

/// The report.
#[must_use]
pub fn report(judged: &Judged) -> String {
    let mut suites: BTreeMap<&str, BTreeMap<String, Vec<&Finding>>> = BTreeMap::new();
    for entry in judged.entries.iter().filter(|entry| speaks(judged, entry)) {
        let Some(object) = judged.objects.get(entry.object) else { continue };
        suites.entry(&object.file).or_default().entry(entry.title.to_string()).or_default();
    }
    for finding in &judged.findings {
        let object = finding.object.to_string();
        let name = if object.is_empty() { finding.location.file.to_string() } else { object };
        suites.entry(&finding.location.file).or_default().entry(name).or_default().push(finding);
    }
    let is_error = |finding: &&&Finding| finding.severity == Severity::Error;
    let failed = |cases: &BTreeMap<String, Vec<&Finding>>| {
        cases.values().filter(|findings| findings.iter().any(|finding| is_error(&finding))).count()
    };
    let (tests, failures) = suites
        .values()
        .fold((0, 0), |(tests, failures), cases| (tests + cases.len(), failures + failed(cases)));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"azwi-policy\" tests=\"{tests}\" failures=\"{failures}\">\n"
    );
    for (file, cases) in &suites {
        out.extend([format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
            xml(file),
            cases.len(),
            failed(cases)
        )]);
        for (name, findings) in cases {
            out.extend([format!("    <testcase classname=\"{}\" name=\"{}\">\n", xml(file), xml(name))]);
            for finding in findings.iter().filter(is_error) {
                out.extend([format!(
                    "      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
                    xml(&finding.rule),
                    xml(&finding.what()),
                    xml(&whole(finding))
                )]);
            }
            let others: Vec<String> = findings
                .iter()
                .filter(|finding| !is_error(finding))
                .map(|finding| xml(&format!("{}: {}", finding.severity.word(), whole(finding))))
                .collect();
            if !others.is_empty() {
                out.extend([format!("      <system-out>{}</system-out>\n", others.join("\n"))]);
            }
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn whole(finding: &Finding) -> String {
    format!("{}: {}", finding.location, text(finding))
}

/// A text in XML 1.0, which has no control characters.
fn xml(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect::<String>()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
