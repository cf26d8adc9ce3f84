//! The issues of a run in Azure Pipelines ("Logging commands", `task.logissue`).

use crate::{
    finding::{Finding, Severity},
    judge::Judged,
    output::text,
};

/// A line for each finding.
#[must_use]
pub fn lines(judged: &Judged) -> String {
    judged.findings.iter().flat_map(|finding| [line(finding), "\n".to_owned()]).collect()
}

fn line(finding: &Finding) -> String {
    // "Formatting commands": what ends a property or a line is encoded.
    let escape = |text: &str| text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(';', "%3B").replace(']', "%5D");
    let level = if finding.severity == Severity::Error { "error" } else { "warning" };
    let location = &finding.location;
    let place = if location.is_known() {
        format!("linenumber={};columnnumber={};", location.start.line, location.start.column)
    } else {
        String::new()
    };
    let file = location.file.strip_prefix("./").unwrap_or(&location.file);
    format!(
        "##vso[task.logissue type={level};sourcepath={};{place}code={}]{}",
        property(file),
        property(&finding.rule),
        escape(&text(finding))
    )
}
