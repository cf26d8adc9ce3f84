//! What the webhook answered once, as data, for machines without Go: `tests/recorded/`.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

use crate::{compare::Answer, configurations::Configuration, generate::Case};

/// The version of the webhook that is the measure.
pub const WEBHOOK: &str = "azure-workload-identity v1.6.0";

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

/// Writes a recording.
///
/// # Errors
/// The file can't be written.
pub fn write(
    folder: &Path,
    configuration: &Configuration,
    seed: u64,
    cases: Vec<Case>,
    answers: Vec<Answer>,
) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = GzEncoder::new(File::create(path(folder, configuration))?, Compression::best());
    serde_json::to_writer(&mut file, &Head { webhook: WEBHOOK.to_owned(), seed })?;
    for (case, webhook) in cases.into_iter().zip(answers) {
        file.write_all(b"\n")?;
        serde_json::to_writer(&mut file, &Recorded { case, webhook })?;
    }
    file.write_all(b"\n")?;
    file.finish()?;
    Ok(())
}

/// Reads a recording.
///
/// # Errors
/// There is none, it is no recording, or one of another webhook.
pub fn read(folder: &Path, configuration: &Configuration) -> Result<Vec<Recorded>> {
    let path = path(folder, configuration);
    let file = File::open(&path).with_context(|| format!("no recording {}", path.display()))?;
    let mut lines = BufReader::new(GzDecoder::new(file)).lines();
    let head = lines.next().with_context(|| format!("{} is empty", path.display()))??;
    let head: Head = serde_json::from_str(&head)?;
    anyhow::ensure!(head.webhook == WEBHOOK, "{} is of {}", path.display(), head.webhook);
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
