//! The pods that the conformance driver tries, as payloads for the fuzzer and as manifests for the playground.

use std::path::Path;

use anyhow::{Context, Result};
use check::yaml;
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

/// Cases in one file of manifests: reading the module costs more than judging that many.
const CASES: usize = 50;

/// Writes `number` cases into files in `folder`, each case in a namespace of its own: its `ServiceAccounts` and its pod, or a Deployment of
/// it.
///
/// # Errors
/// The folder can't be written.
pub fn manifests(folder: &Path, seed: u64, number: usize) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let cases = draw::cases(&pods::case(), seed, number);
    for (file, cases) in cases.chunks(CASES).enumerate() {
        let mut text = String::new();
        for (index, case) in cases.iter().enumerate() {
            let pod = case.request.get("object").cloned().unwrap_or_default();
            let object = match index % 3 {
                0 => json!({"apiVersion": "apps/v1", "kind": "Deployment",
                    "metadata": {"name": "web", "labels": {"azure.workload.identity/use": "true"}},
                    "spec": {"template": {"metadata": pod.get("metadata"), "spec": pod.get("spec")}}}),
                _ => pod,
            };
            for object in case.service_accounts.iter().chain([&object]) {
                let mut object = object.clone();
                if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.insert("namespace".to_owned(), json!(format!("team-{index}")));
                }
                text.push_str("---\n");
                text.push_str(&yaml::write(&object));
            }
        }
        std::fs::write(folder.join(format!("cases-{file}.yaml")), text)?;
    }
    Ok(())
}
