//! The forms in which `check` prints what it found.

use std::{collections::HashMap, io::Write, path::PathBuf};

use anyhow::{Context, Result, bail};
use check::{
    federated::Said,
    judge::{Entry, Judged, Outcome},
    kinds::is_account,
    output::{azure, github, gitlab, json, junit, manifests, sarif, terraform},
    question::About,
    yaml,
};
use clap::ValueEnum;
use serde_json::Value;

/// The forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// What happens to each object, in words
    Text,
    /// The objects as they come out, as YAML
    Yaml,
    /// The objects as they come out, as JSON texts
    Objects,
    /// What was found, an object a line, with file, line, object, severity, rule, message and fix; at the end the counts
    Json,
    /// What was found, as a SARIF 2.1.0 log
    Sarif,
    /// What was found, as annotations of a pull request on GitHub
    Github,
    /// What was found, as issues of a run of Azure Pipelines
    Azure,
    /// What was found, as a code quality report of GitLab
    Gitlab,
    /// What was found, as a report of `JUnit`'s form
    Junit,
    /// The federated credentials that are missing, as Terraform resources of the provider azurerm
    Terraform,
    /// The roles of AKS identity bindings that are missing, as manifests
    Manifests,
    /// What `kubectl get pod … -o json | jq '.spec.containers[0].env'` would print
    Env,
}

/// A form, and the file that it goes to: standard output, where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The form.
    pub form: Form,
    /// The file.
    pub file: Option<PathBuf>,
}

impl Output {
    /// `FORMAT`, or `FORMAT=FILE`.
    ///
    /// # Errors
    /// No such format.
    pub fn parse(text: &str) -> Result<Self> {
        let (form, file) = match text.split_once('=') {
            Some((form, file)) => (form, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let Ok(form) = Form::from_str(form, false) else {
            let all: Vec<String> = Form::value_variants()
                .iter()
                .filter_map(|form| Some(form.to_possible_value()?.get_name().to_owned()))
                .collect();
            bail!("{form:?} is no format: {}", all.join(", "));
        };
        Ok(Self { form, file })
    }

    /// Writes to the file, or to standard output.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, text: &str) -> Result<()> {
        if let Some(file) = &self.file {
            return std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()));
        }
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

/// The whole output in a form for programs.
///
/// # Errors
/// A value that is no JSON.
pub fn document(form: Form, judged: &Judged, said: &[Said], failure: Option<&str>) -> Result<String> {
    Ok(match form {
        Form::Text => String::new(),
        Form::Json => json::lines(judged),
        Form::Sarif => format!(
            "{}\n",
            serde_json::to_string_pretty(&sarif::log(judged, env!("CARGO_PKG_VERSION"), failure))?
        ),
        Form::Github => github::lines(judged),
        Form::Azure => azure::lines(judged),
        Form::Gitlab => format!("{}\n", serde_json::to_string_pretty(&gitlab::report(judged))?),
        Form::Junit => junit::report(judged),
        Form::Terraform => terraform::resources(said),
        Form::Manifests => manifests::roles(said),
        Form::Yaml => objects(
            judged,
            |value| Ok(format!("---\n{}", yaml::write(value))),
            |pod| yaml::write(pod).lines().flat_map(|line| ["# ", line, "\n"]).collect(),
        )?,
        Form::Objects => objects(
            judged,
            |value| Ok(format!("{}\n", serde_json::to_string_pretty(value)?)),
            |_| String::new(),
        )?,
        Form::Env => {
            let pods = judged.entries.iter().filter(|entry| {
                !is_account(&entry.before)
                    && matches!(entry.about, About::Whole | About::Pod | About::PodOfWorkload)
                    && entry.outcome != Outcome::Refused
            });
            let text = pods.map(|entry| {
                serde_json::to_string_pretty(
                    entry.after.pointer("/spec/containers/0/env").unwrap_or(&Value::Null),
                )
            });
            text.map(|text| Ok(format!("{}\n", text?))).collect::<Result<Vec<String>>>()?.concat()
        }
    })
}

/// Every object as it came in, with the pods changed. The pods of a workload, which no file has, stand under it in `comment`'s form.
fn objects(
    judged: &Judged,
    show: impl Fn(&Value) -> Result<String>,
    comment: impl Fn(&Value) -> String,
) -> Result<String> {
    let mut out = String::new();
    let mut of_object: HashMap<usize, Vec<&Entry>> = HashMap::new();
    for entry in &judged.entries {
        of_object.entry(entry.object).or_default().push(entry);
    }
    let own = |index: usize| of_object.get(&index).into_iter().flatten().copied();
    for (index, object) in judged.objects.iter().enumerate() {
        // What another object contains is its part, and stands behind it.
        if !object.is_contained {
            let whole =
                own(index).find(|entry| entry.about == About::Whole && entry.outcome == Outcome::Identity);
            let mut value = whole.map_or_else(|| object.value.clone(), |entry| entry.after.clone());
            if object.value.pointer("/metadata/namespace").is_none()
                && let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut)
            {
                metadata.remove("namespace");
            }
            out.push_str(&show(&value)?);
        }
        let is_pod = |entry: &&Entry| {
            matches!(entry.about, About::Pod | About::PodOfWorkload)
                || (entry.about == About::Whole && object.is_contained && !is_account(&entry.before))
        };
        for pod in own(index).filter(is_pod).filter(|entry| entry.outcome != Outcome::Refused) {
            out.push_str(&comment(&pod.after));
        }
    }
    Ok(out)
}
