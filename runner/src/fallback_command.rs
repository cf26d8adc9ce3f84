//! `azwi-policy fallback`.

use std::{io::Write, path::PathBuf};

use anyhow::{Result, anyhow};
use azwi_policy::fallback;
use check::yaml;
use clap::Args;

use crate::settings_or_manifest;

#[derive(Args)]
pub struct Fallback {
    /// The policy's settings, in YAML or JSON, or its manifest, whose namespace selector is taken too
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
}

/// Prints the policy and its bindings.
pub fn run(args: &Fallback) -> Result<bool> {
    let (settings, manifest) = settings_or_manifest(&args.settings)?;
    let selector = manifest.as_ref().and_then(|manifest| manifest.pointer("/spec/namespaceSelector"));
    let documents = fallback::from_settings(&settings, selector);
    let documents = documents.map_err(|problems| anyhow!("{}: {problems}", args.settings.display()))?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", fallback::HEAD)?;
    for document in documents {
        write!(out, "---\n{}", yaml::write(&document))?;
    }
    out.flush()?;
    Ok(true)
}
