//! What `azwi-policy check` prints for other programs.

use std::io::Write;

use anyhow::Result;
use azwi_policy::{
    findings::{Finding, github, sarif},
    yaml,
};
use clap::ValueEnum;
use serde_json::Value;

/// The forms of output.
#[derive(Clone, Copy, ValueEnum)]
pub enum Output {
    /// The objects as they come out, as YAML
    Yaml,
    /// The objects as they come out, as JSON texts
    Objects,
    /// What was found, an object a line: file, document, object, severity, rule, message, fix
    Json,
    /// What was found, as a SARIF 2.1.0 log
    Sarif,
    /// What was found, as annotations of a pull request on GitHub
    Github,
    /// The federated credentials that are missing, as Terraform resources of the provider azurerm
    Terraform,
    /// What `kubectl get pod … -o json | jq '.spec.containers[0].env'` would print
    Env,
}

/// Prints the findings in the form that was asked for.
pub fn findings(output: Option<Output>, findings: &[Finding], out: &mut dyn Write) -> Result<()> {
    match output {
        Some(Output::Json) => {
            for finding in findings {
                writeln!(out, "{}", serde_json::to_string(finding)?)?;
            }
        }
        Some(Output::Sarif) => {
            writeln!(out, "{}", serde_json::to_string_pretty(&sarif(findings))?)?;
        }
        Some(Output::Github) => {
            for finding in findings {
                writeln!(out, "{}", github(finding))?;
            }
        }
        Some(Output::Yaml | Output::Objects | Output::Terraform | Output::Env) | None => {}
    }
    Ok(())
}

/// Prints an object in the form that was asked for.
pub fn object(out: &mut dyn Write, output: Option<Output>, object: &Value) -> Result<()> {
    match output {
        Some(Output::Yaml) => write!(out, "---\n{}", yaml::write(object))?,
        Some(Output::Env) => {
            let env = object.pointer("/spec/containers/0/env").unwrap_or(&Value::Null);
            writeln!(out, "{}", serde_json::to_string_pretty(env)?)?;
        }
        Some(Output::Objects) => writeln!(out, "{}", serde_json::to_string_pretty(object)?)?,
        Some(Output::Json | Output::Sarif | Output::Github | Output::Terraform) | None => {}
    }
    Ok(())
}
