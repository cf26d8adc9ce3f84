//! `azwi-policy check --federated-credentials`.

use std::{collections::BTreeSet, io::Write};

use anyhow::Result;
use azwi_policy::{
    federated::{self, Presented},
    findings::{Finding, Severity},
    response::AdmissionResponse,
};
use serde_json::Value;

/// The result.
#[derive(Default)]
pub struct Checked {
    /// The tokens that no credential fits.
    pub findings: Vec<Finding>,
    /// How many warnings there were.
    pub warnings: usize,
}

/// What is written of the tokens.
pub enum Form<'w> {
    /// A line each, and what to do about it.
    Words(&'w mut dyn Write),
    /// The resources that are missing.
    Terraform(&'w mut dyn Write),
    /// Nothing: only the findings are printed.
    Findings,
}

/// Says of each token whether a credential in `files` fits.
pub fn check(
    files: &[String],
    issuer: &str,
    presented: &BTreeSet<Presented>,
    mut form: Form,
) -> Result<Checked> {
    let mut checked = Checked::default();
    let all = read(files, &mut checked)?;
    for token in presented {
        match federated::check(&all, token) {
            Ok(()) => {
                if let Form::Words(out) = &mut form {
                    writeln!(out, "{}: a federated credential fits", token.subject)?;
                }
            }
            Err(mismatch) => {
                let text = mismatch.to_string();
                let (message, fix) = text.split_once("\ncreate it with:\n").unwrap_or((&text, ""));
                checked.findings.push(Finding {
                    file: files.join(", "),
                    document: 0,
                    object: token.subject.clone(),
                    severity: Severity::Error,
                    rule: "federated-credential".to_owned(),
                    path: None,
                    container: None,
                    message: message.to_owned(),
                    fix: Some(fix.to_owned()),
                });
                match &mut form {
                    Form::Words(out) => writeln!(out, "{}: {}", token.subject, text.replace('\n', "\n  "))?,
                    Form::Terraform(out) => write!(out, "{}", federated::terraform(token))?,
                    Form::Findings => {}
                }
            }
        }
    }
    for credential in federated::unused(&all, issuer, presented) {
        checked.warnings += 1;
        let (name, subject) = (&credential.name, &credential.subject);
        anstream::eprintln!("warning: federated credential {name:?} is for {subject}, which no file has");
    }
    Ok(checked)
}

/// The federated credentials of the files.
fn read(files: &[String], checked: &mut Checked) -> Result<Vec<federated::Credential>> {
    let mut all = Vec::new();
    for file in files {
        let read = federated::read(file)?;
        if read.len() > federated::CREDENTIALS_MAX {
            checked.warnings += 1;
            let (number, most) = (read.len(), federated::CREDENTIALS_MAX);
            anstream::eprintln!(
                "warning: {file} has {number} federated credentials: an identity can have {most}"
            );
        }
        all.extend(read);
    }
    Ok(all)
}

/// What an object with an identity presents to Entra, from the policy's answer: its audit annotations, and the token in the pod. Each
/// container with an identity of its own presents the same token for that.
pub fn presented(
    issuer: Option<&String>,
    settings: &Value,
    response: &AdmissionResponse,
    after: &Value,
) -> Vec<Presented> {
    let Some((audit, issuer)) = response.audit_annotations.as_ref().filter(|_| response.allowed).zip(issuer)
    else {
        return Vec::new();
    };
    let sources = after.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
    let sources = sources.filter_map(|volume| volume.pointer("/projected/sources")?.as_array()).flatten();
    let mut tokens = sources.filter_map(|source| source.get("serviceAccountToken"));
    let token = tokens.find(|token| {
        token.get("path").and_then(Value::as_str).is_some_and(|path| path.ends_with("azure-identity-token"))
    });
    let audience = token.and_then(|token| token.get("audience")).or_else(|| settings.get("audience"));
    let audience = audience.and_then(Value::as_str).unwrap_or("api://AzureADTokenExchange").to_owned();
    let of_containers = audit.get("container-identities").map(String::as_str).unwrap_or_default();
    let of_containers = of_containers.split("; ").filter_map(|entry| Some(entry.split_once('=')?.1));
    let client_ids = audit.get("client-id").map(String::as_str).into_iter().chain(of_containers);
    let subject = audit.get("subject").cloned().unwrap_or_default();
    let presented = client_ids.map(|client_id| Presented {
        client_id: client_id.to_owned(),
        issuer: issuer.clone(),
        subject: subject.clone(),
        audience: audience.clone(),
    });
    presented.collect()
}
