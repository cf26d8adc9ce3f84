//! The webhook over the same requests, timed in its own process: `conformance/oracle -bench`.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bench::cases::Case;

/// What a call of the webhook's handler costs; decoding the AdmissionReview and TLS are not in it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cost {
    /// CPU time in microseconds.
    pub microseconds: f64,
    /// Bytes allocated.
    pub allocated: u64,
}

/// Asks the oracle what each case costs it, `calls` calls each.
///
/// # Errors
/// It can't be started, or does not answer.
pub fn costs(oracle: &Path, cases: &[&Case], calls: usize) -> Result<Vec<Cost>> {
    let mut child = Command::new(oracle)
        .args(["-bench", &calls.to_string()])
        .env_clear()
        .env("AZURE_TENANT_ID", "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", oracle.display()))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    for case in cases {
        let payload: Value = serde_json::from_str(&case.payload)?;
        writeln!(stdin, "{}", json!({"serviceAccounts": [case.account], "request": payload.get("request")}))?;
    }
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the oracle failed");
    let lines = String::from_utf8(output.stdout)?;
    lines.lines().map(|line| serde_json::from_str(line).context("no answer of an oracle")).collect()
}
