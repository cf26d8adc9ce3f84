//! What the webhook answered once, as data, for machines without Go: `tests/recorded/`.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

use crate::{compare::Answer, configurations::Configuration};
use laws::pods::Case;

/// Whose answers are recorded, as each recording says.
pub const WEBHOOK: &str = "azure-workload-identity v1.6.0 with the two changes that came after it: a mount path per pod (v1.6.1), unknown fields kept";

/// What a recording begins with.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    /// Who answered.
    pub webhook: String,
    /// Where the generator started.
    pub seed: u64,
}

/// A case and the webhook's answer to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// The case.
    pub case: Case,
    /// The answer.
    pub webhook: Answer,
}

fn path(folder: &Path, configuration: &Configuration) -> PathBuf {
    folder.join(format!("{}.jsonl.gz", configuration.name))
}

/// Reads a recording.
///
/// # Errors
/// The file is missing, is not a recording, or is one of another webhook.
pub fn read(folder: &Path, configuration: &Configuration) -> Result<Vec<Recorded>> {
    let path = path(folder, configuration);
    let file = File::open(&path).with_context(|| format!("no recording {}", path.display()))?;
    let mut lines = BufReader::new(GzDecoder::new(file)).lines();
    let head = lines.next().with_context(|| format!("{} is empty", path.display()))??;
    let head: Head = serde_json::from_str(&head)?;
    anyhow::ensure!(head.webhook == WEBHOOK, "{} is of {}", path.display(), head.webhook);
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
