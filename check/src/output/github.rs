//! The annotations of a pull request on GitHub ("Workflow commands for GitHub Actions").

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
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Unknown => "notice",
    };
    let location = &finding.location;
    let place = if location.is_known() {
        format!(",line={},col={}", location.start.line, location.start.column)
    } else {
        String::new()
    };
    let file = location.file.strip_prefix("./").unwrap_or(&location.file);
    format!(
        "::{level} file={}{place},title={}::{}",
        property(file),
        property(&finding.rule),
        escape(&text(finding))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        object::{nowhere, of_file},
        yaml::Mark,
    };

    #[test]
    fn escapes_what_github_reads() {
        let mut finding =
            of_file(Severity::Error, "not-readable", nowhere("a,b.yaml"), "100 %\nof it".to_owned());
        assert_eq!(line(&finding), "::error file=a%2Cb.yaml,title=not-readable::100 %25%0Aof it");
        finding.location.start = Mark { line: 6, column: 1, offset: 0 };
        assert_eq!(
            line(&finding),
            "::error file=a%2Cb.yaml,line=6,col=1,title=not-readable::100 %25%0Aof it"
        );
    }
}
