//! What is printed: one form on standard output, others in files, and the rest on standard error.

use std::{collections::HashSet, io::Write};

use anyhow::Result;
use check::{
    federated::Said,
    judge::{Judged, Outcome},
    report::{self, Styles},
};

use super::{
    Check,
    forms::{self, Form, Output},
};

/// Prints all of it: one form on standard output, others in their files, and what is for people on standard error.
pub fn print(args: &Check, outputs: &[Output], judged: &Judged, said: &[Said], known: usize) -> Result<()> {
    for output in outputs.iter().filter(|output| output.file.is_some()) {
        let text = if output.form == Form::Text {
            text(args, judged, said, &Styles::PLAIN)
        } else {
            forms::document(output.form, judged, said, failure(judged))?
        };
        output.write(&text)?;
    }
    let on_stdout =
        outputs.iter().find(|output| output.file.is_none()).map_or(Form::Text, |output| output.form);
    let mut lines = 0;
    match on_stdout {
        Form::Text => {
            let text = text(args, judged, said, &Styles::COLOURED);
            lines = text.lines().count();
            let mut out = anstream::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
        form @ (Form::Yaml
        | Form::Objects
        | Form::Json
        | Form::Sarif
        | Form::Github
        | Form::Azure
        | Form::Gitlab
        | Form::Junit
        | Form::Terraform
        | Form::Manifests
        | Form::Env) => {
            Output { form, file: None }.write(&forms::document(form, judged, said, failure(judged))?)?;
            if is_for_people(form) {
                notes(judged, said);
            }
        }
    }
    others(args, judged, on_stdout);
    let counts = judged.counts();
    let is_worth_a_line = counts.objects > 2
        || known > 0
        || !judged.accepted.is_empty()
        || counts.not_readable > 0
        || (lines == 0 && on_stdout == Form::Text);
    if is_worth_a_line && !(args.quiet && judged.findings.is_empty()) {
        let check::judge::Counts {
            objects, pods, refused, warnings, unknown, passed_over, not_readable, ..
        } = counts;
        let unknown = if unknown == 0 { String::new() } else { format!(" {unknown} unknown,") };
        let known = if known == 0 { String::new() } else { format!(", {known} known before") };
        let accepted = if judged.accepted.is_empty() {
            String::new()
        } else {
            format!(", {} accepted", judged.accepted.len())
        };
        anstream::eprintln!(
            "{objects} objects, {pods} pods, {refused} refused, {warnings} warnings,{unknown} {passed_over} passed over, {not_readable} not readable{known}{accepted}"
        );
    }
    Ok(())
}

/// Whether a form has objects for another program, so that what is said of them goes to people beside it.
fn is_for_people(form: Form) -> bool {
    matches!(form, Form::Yaml | Form::Objects | Form::Env | Form::Terraform | Form::Manifests)
}

/// Why not everything could be judged.
fn failure(judged: &Judged) -> Option<&'static str> {
    (judged.counts().not_readable > 0).then_some("not everything could be read")
}

/// The report, with what Microsoft Entra will say.
fn text(args: &Check, judged: &Judged, said: &[Said], styles: &Styles) -> String {
    let mut out = String::new();
    for entry in judged.entries.iter().filter(|entry| report::speaks(judged, entry)) {
        let is_fine = entry.outcome != Outcome::Refused && entry.findings.is_empty();
        if !(args.quiet && is_fine) {
            out.push_str(&report::entry(judged, entry, styles));
        }
    }
    for said in said.iter().filter(|said| !args.quiet || said.finding.is_some()) {
        out.extend([format!("{}: {}\n", said.token.subject, said.text.replace('\n', "\n  "))]);
    }
    out
}

/// What is for people where standard output is for programs: refusals, and what Microsoft Entra will say.
fn notes(judged: &Judged, said: &[Said]) {
    for entry in judged.entries.iter().filter(|entry| entry.outcome == Outcome::Refused) {
        anstream::eprint!("{}", report::entry(judged, entry, &Styles::COLOURED));
    }
    for said in said {
        anstream::eprintln!("{}: {}", said.token.subject, said.text.replace('\n', "\n  "));
    }
}

/// What belongs to no object that was judged: headings, files, and what was passed over.
fn others(args: &Check, judged: &Judged, form: Form) {
    if !args.quiet {
        for one in &judged.passed_over {
            anstream::eprintln!("passed over: {}: {}", one.location, one.text);
        }
    }
    let shown: HashSet<usize> =
        judged.entries.iter().flat_map(|entry| entry.findings.iter().copied()).collect();
    let is_for_machines = form != Form::Text && !is_for_people(form);
    let rest = judged.findings.iter().enumerate().filter(|(number, finding)| {
        // What Microsoft Entra will say of an account stands with its token; what is about a list does not.
        let is_of_a_token = matches!(finding.rule.as_str(), "federated-credential" | "identity-binding")
            && !finding.object.kind.is_empty();
        !shown.contains(number) && !is_of_a_token
    });
    for (_, finding) in rest.filter(|_| !is_for_machines) {
        anstream::eprintln!("{}", report::finding(finding, &Styles::COLOURED));
    }
    if judged.entries.is_empty() && !args.quiet {
        anstream::eprintln!("nothing for the policy among the {} objects", judged.objects.len());
    }
}
