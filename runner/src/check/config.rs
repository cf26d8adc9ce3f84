//! The configuration of `check` in a repository: `.azwi-policy.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use check::{
    rules::{Level, Rules, known},
    yaml::{self, Step},
};
use serde::{Deserialize, Serialize};

use super::FailOn;

/// The file that is read from the working directory, where no other is given.
pub const FILE: &str = ".azwi-policy.yaml";

/// What the file can say. What is given on the command line counts before it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The file with the policy's settings.
    pub settings: Option<PathBuf>,
    /// The policy's module.
    pub policy: Option<PathBuf>,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// The cluster's issuer.
    pub issuer: Option<String>,
    /// Lists of federated credentials.
    #[serde(default)]
    pub federated_credentials: Vec<String>,
    /// The client ID of `ServiceAccounts` that are not among the files.
    pub assume_service_accounts: Option<String>,
    /// Globs of what is left out of folders.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Rules that count for nothing.
    #[serde(default)]
    pub skip: Vec<String>,
    /// What rules count as.
    #[serde(default)]
    pub severities: BTreeMap<String, Level>,
    /// What makes the exit status 1.
    pub fail_on: Option<FailOn>,
    /// The file with what was known before.
    pub baseline: Option<PathBuf>,
}

/// Reads the configuration: the file that is given, or the one of the working directory, if there is one. Paths in it are relative to it.
///
/// # Errors
/// No such file, or a field that it does not have.
pub fn read(given: Option<&Path>) -> Result<Config> {
    let path = given.unwrap_or(Path::new(FILE));
    if given.is_none() && !path.is_file() {
        return Ok(Config::default());
    }
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the configuration {name}"))?;
    let text = yaml::decode(&bytes).map_err(|problem| anyhow!("{name} is {problem}"))?;
    let Some(document) = yaml::documents(&text).into_iter().next() else { return Ok(Config::default()) };
    let (value, spot) = document
        .content
        .map_err(|error| anyhow!("{name}:{}:{}: {}", error.mark.line, error.mark.column, error.problem))?;
    let mut config: Config = serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        // The field that the error names, where it stands in the file.
        let field = text.split('`').nth(1).and_then(|field| spot.step(&Step::field(field)));
        let line = field.map_or(1, |spot| spot.mark().line);
        anyhow!("{name}:{line}: {text}")
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for path in [&mut config.settings, &mut config.policy, &mut config.baseline].into_iter().flatten() {
        *path = folder.join(&*path);
    }
    Ok(config)
}

/// The rules as the configuration and the command line have them.
///
/// # Errors
/// A rule that there is none of, or a baseline that can't be read.
pub fn rules(
    skip: &[String],
    severities: &BTreeMap<String, Level>,
    baseline: Option<&Path>,
) -> Result<Rules> {
    let mut levels = severities.clone();
    levels.extend(skip.iter().map(|rule| (rule.clone(), Level::Off)));
    for rule in levels.keys() {
        known(rule).map_err(|problem| {
            anyhow!("{problem}; docs/troubleshooting.md and docs/check.md have all of them")
        })?;
    }
    Ok(Rules { levels, baseline: baseline.map(read_baseline).transpose()?.unwrap_or_default() })
}

/// A severity on the command line: `RULE=LEVEL`.
///
/// # Errors
/// No level of that name.
pub fn severity(text: &str) -> Result<(String, Level)> {
    let Some((rule, level)) = text.split_once('=') else { bail!("--severity {text} is not RULE=LEVEL") };
    let level = match level {
        "off" => Level::Off,
        "unknown" => Level::Unknown,
        "warning" => Level::Warning,
        "error" => Level::Error,
        _ => bail!("--severity {text}: the level is off, unknown, warning or error"),
    };
    Ok((rule.to_owned(), level))
}

/// A finding that was known before.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    fingerprint: String,
    /// For those who read the file.
    #[serde(default)]
    rule: String,
    #[serde(default)]
    object: String,
    #[serde(default)]
    file: String,
}

fn read_baseline(path: &Path) -> Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the baseline {}", path.display()))?;
    let known: Vec<Known> = serde_json::from_str(&text)
        .with_context(|| format!("{} is no baseline: --write-baseline writes one", path.display()))?;
    Ok(known.into_iter().map(|known| known.fingerprint).collect())
}

/// Writes what is known now as the baseline of runs to come.
///
/// # Errors
/// The file can't be written.
pub fn write_baseline(path: &Path, judged: &check::judge::Judged) -> Result<()> {
    let known: Vec<Known> = judged
        .findings
        .iter()
        .map(|finding| Known {
            fingerprint: finding.fingerprint(),
            rule: finding.rule.clone(),
            object: finding.object.to_string(),
            file: finding.location.file.to_string(),
        })
        .collect();
    let text = serde_json::to_string_pretty(&known)?;
    std::fs::write(path, format!("{text}\n"))
        .with_context(|| format!("cannot write the baseline {}", path.display()))
}
