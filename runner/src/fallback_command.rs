//! `azwi-policy fallback`.

use std::{io::Write, path::PathBuf};

use anyhow::{Result, bail};
use azwi_policy::fallback::{self, Refused};
use check::yaml;
use clap::Args;

use crate::settings_or_manifest;

#[derive(Args)]
pub struct Fallback {
    /// The policy's settings, in YAML or JSON, or its manifest, whose namespace selector is taken too
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
    /// The most containers that a pod of this cluster has: settings whose policy the API server would give up on are refused
    #[arg(long, default_value_t = 100)]
    containers: usize,
}

/// Prints the policy and its bindings.
pub fn run(args: &Fallback) -> Result<bool> {
    let (settings, manifest) = settings_or_manifest(&args.settings)?;
    let selector = manifest.as_ref().and_then(|manifest| manifest.pointer("/spec/namespaceSelector"));
    let documents = match fallback::from_settings(&settings, selector, args.containers) {
        Ok(documents) => documents,
        Err(Refused::Settings(problems)) => bail!("{}: {problems}", args.settings.display()),
        Err(Refused::TooLarge(problem)) => {
            anstream::eprintln!("{}: {problem}", args.settings.display());
            return Ok(false);
        }
    };
    let mut out = std::io::stdout().lock();
    write!(out, "{}", fallback::HEAD)?;
    for document in documents {
        write!(out, "---\n{}", yaml::write(&document))?;
    }
    out.flush()?;
    Ok(true)
}
