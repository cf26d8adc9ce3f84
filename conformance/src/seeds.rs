//! Seeds for the fuzzer: the pods that the conformance driver tries, as payloads.

use std::path::Path;

use anyhow::{Context, Result};
use laws::{draw, pods};
use serde_json::{Value, json};

use crate::configurations;

/// Writes `number` payloads into `folder`, as the fuzz targets read them: request, settings, and the ServiceAccount that the
/// host answers with.
///
/// # Errors
/// The folder can't be written.
pub fn write(folder: &Path, seed: u64, number: usize) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let configurations = configurations::all("PerPod");
    let cases = draw::cases(&pods::case(), seed, number);
    for (index, (case, configuration)) in cases.iter().zip(configurations.iter().cycle()).enumerate() {
        let account = case.account().unwrap_or(&Value::Null);
        let payload =
            json!({"request": case.request, "settings": configuration.settings, "account": account});
        std::fs::write(folder.join(format!("pod-{index}")), payload.to_string())?;
    }
    Ok(())
}
