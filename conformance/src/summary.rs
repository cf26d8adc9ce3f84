//! The one summary at the end of `make test`: every check leaves a section, and the last step prints them all.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// The sections, in the order in which they are printed; each must be there.
pub const SECTIONS: [&str; 14] = [
    "conformance",
    "recorded",
    "passes",
    "validity",
    "conditions",
    "fallback",
    "yaml",
    "laws",
    "faults",
    "stale state",
    "fuzz",
    "budgets",
    "SDKs",
    "playground",
];

fn path(section: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/summary");
    target.join(section.replace(' ', "-"))
}

/// Leaves `text` as a section.
///
/// # Errors
/// The file can't be written.
pub fn leave(section: &str, text: &str) -> Result<()> {
    let path = path(section);
    std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
    Ok(std::fs::write(path, text)?)
}

/// All sections.
///
/// # Errors
/// One is missing: its check did not run.
pub fn all() -> Result<String> {
    let mut text = String::new();
    for section in SECTIONS {
        let Ok(lines) = std::fs::read_to_string(path(section)) else {
            bail!("the summary has no section {section}: its check did not run");
        };
        for (index, line) in lines.trim_end().lines().enumerate() {
            let title = if index == 0 { section } else { "" };
            writeln!(text, "{title:12} {line}")?;
        }
    }
    Ok(text)
}

/// Reads libFuzzer's closing line, `Done 167979 runs in 31 second(s)`, of each log, and leaves it.
///
/// # Errors
///
/// Where a log can't be read, or fuzzing did not end well.
pub fn fuzzed(logs: &[PathBuf]) -> Result<()> {
    let mut lines = Vec::new();
    for log in logs {
        let text = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
        let done =
            text.lines().find_map(|line| line.strip_prefix("Done ")).context("fuzzing did not end well")?;
        let target = log.file_stem().unwrap_or_default().to_string_lossy().replace("fuzz-", "");
        lines.push(format!("{target}: {done}, 0 crashes"));
    }
    leave("fuzz", &lines.join("\n"))
}
