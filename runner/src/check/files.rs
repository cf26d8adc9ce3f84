//! The files that `check` reads: folders, standard input, and what other tools render.

use std::{
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail};
use check::{object::Manifests, yaml};
use ignore::{WalkBuilder, overrides::OverrideBuilder};
use serde_json::Value;

/// The endings of files that are looked into in a folder.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The names of a kustomization's own file (kustomize, "kustomization").
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What is read.
pub struct Sources<'a> {
    /// Files, folders, and `-` for standard input.
    pub paths: &'a [PathBuf],
    /// What standard input is called.
    pub stdin_name: &'a str,
    /// Globs of what is left out of folders.
    pub excludes: &'a [String],
    /// Folders that kustomize builds.
    pub kustomize: &'a [PathBuf],
    /// Charts that Helm renders.
    pub helm: &'a [PathBuf],
}

impl Sources<'_> {
    /// Reads all of it. What can't be read is noted, and the rest is read.
    ///
    /// # Errors
    /// A malformed glob, or a tool that is not there or fails.
    pub fn read(&self) -> Result<Manifests> {
        let mut manifests = Manifests::default();
        for path in self.paths {
            if path.as_os_str() == "-" {
                let mut bytes = Vec::new();
                match std::io::stdin().read_to_end(&mut bytes) {
                    Ok(_) => add_bytes(&mut manifests, self.stdin_name, &bytes),
                    Err(error) => manifests.not_readable(self.stdin_name, error.to_string()),
                }
            } else if path.is_dir() {
                self.add_folder(path, &mut manifests)?;
            } else {
                add_file(&mut manifests, path);
            }
        }
        for folder in self.kustomize {
            let folder_name = folder.display().to_string();
            let text = rendered("kubectl", &["kustomize", &folder_name]).or_else(|error| {
                // Where there is no kubectl, the tool itself may be there.
                rendered("kustomize", &["build", &folder_name]).map_err(|_| error)
            })?;
            manifests.add(&folder_name, &text);
        }
        for chart in self.helm {
            let name = chart.display().to_string();
            manifests.add(&name, &rendered("helm", &["template", "--", &name])?);
        }
        Ok(manifests)
    }

    fn add_folder(&self, folder: &Path, manifests: &mut Manifests) -> Result<()> {
        let mut excludes = OverrideBuilder::new(folder);
        for glob in self.excludes {
            excludes.add(&format!("!{glob}")).with_context(|| format!("--exclude {glob} is no glob"))?;
        }
        let excludes = excludes.build()?;
        // The walk asks about what is in the folder, not about the folder.
        let mut seen = Seen::default();
        let wants = seen.wants(folder);
        let seen = Arc::new(Mutex::new(seen));
        let filter = Arc::clone(&seen);
        let walk = WalkBuilder::new(folder)
            .require_git(false)
            .follow_links(true)
            .overrides(excludes.clone())
            .sort_by_file_name(std::ffi::OsStr::cmp)
            .filter_entry(move |entry| {
                wants && filter.lock().unwrap_or_else(PoisonError::into_inner).wants(entry.path())
            })
            .build();
        let mut files = Vec::new();
        for entry in walk {
            match entry {
                Ok(entry)
                    if entry.file_type().is_some_and(|kind| kind.is_dir()) || !is_manifest(entry.path()) => {}
                Ok(entry) => files.push(entry.into_path()),
                Err(error) => add_error(manifests, &error),
            }
        }
        // What git tracks is not ignored, whatever .gitignore says.
        for file in tracked(folder) {
            let is_excluded = excludes.matched(&file, false).is_ignore();
            if !is_excluded && is_manifest(&file) && !files.contains(&file) {
                files.push(file);
            }
        }
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, text) in &seen.passed_over {
            manifests.pass_over(place, text.clone());
        }
        for file in files {
            let is_part = file.canonicalize().is_ok_and(|real| seen.parts.contains(&real));
            match std::fs::metadata(&file) {
                _ if is_part => {}
                Ok(metadata) if metadata.is_file() => match std::fs::read(&file) {
                    Ok(bytes) if is_no_manifest(&file, &bytes) => {}
                    read => add_read(manifests, &file, read),
                },
                Ok(_) => manifests.pass_over(&name_of(&file), "not a regular file".to_owned()),
                Err(_) => manifests.pass_over(&name_of(&file), "leads nowhere".to_owned()),
            }
        }
        Ok(())
    }
}

/// Files of a folder that git tracks although `.gitignore` names them; none where there is no git, or no repository.
fn tracked(folder: &Path) -> Vec<PathBuf> {
    let arguments = ["ls-files", "-z", "--cached", "--ignored", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else { return Vec::new() };
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    names.split('\0').filter(|name| !name.is_empty()).map(|name| folder.join(name)).collect()
}

/// Whether a JSON file of a folder is none of Kubernetes: what editors and compilers read is often no JSON that kubectl knows.
fn is_no_manifest(file: &Path, bytes: &[u8]) -> bool {
    let is_json = file.extension().is_some_and(|ending| ending == "json");
    is_json && !String::from_utf8_lossy(bytes).contains("\"apiVersion\"")
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

fn add_error(manifests: &mut Manifests, error: &ignore::Error) {
    let (path, text) = match error {
        ignore::Error::WithPath { path, err } => (name_of(path), err.to_string()),
        ignore::Error::WithDepth { err, .. } => return add_error(manifests, err),
        // A link to a folder above: that one is read already.
        ignore::Error::Loop { .. } => return,
        ignore::Error::Partial(_)
        | ignore::Error::WithLineNumber { .. }
        | ignore::Error::Io(_)
        | ignore::Error::Glob { .. }
        | ignore::Error::UnrecognizedFileType(_)
        | ignore::Error::InvalidDefinition => (String::new(), error.to_string()),
    };
    let is_manifest = is_manifest(Path::new(&path));
    if text.contains("No such file") && is_manifest {
        manifests.pass_over(&path, "leads nowhere".to_owned());
    } else if is_manifest || !text.contains("No such file") {
        manifests.not_readable(&path, text);
    }
}

/// What a walk has come by.
#[derive(Default)]
struct Seen {
    /// The folders, by their real paths: each is read once.
    folders: BTreeSet<PathBuf>,
    /// Files that are parts of a kustomization.
    parts: BTreeSet<PathBuf>,
    /// Charts and kustomizations.
    passed_over: Vec<(String, String)>,
}

impl Seen {
    /// Whether to go into a folder, or to take a file.
    fn wants(&mut self, path: &Path) -> bool {
        if !path.is_dir() {
            return true;
        }
        let Ok(real) = path.canonicalize() else { return true };
        if !self.folders.insert(real) {
            return false;
        }
        let place = format!("{}/", name_of(path).trim_end_matches('/'));
        if let Some(chart) = chart_name(path) {
            self.passed_over.push((
                place.clone(),
                format!(
                    "chart {chart}: judge `helm template {}`, or give --helm {0}",
                    place.trim_end_matches('/')
                ),
            ));
            return false;
        }
        if let Some(file) = KUSTOMIZATIONS.iter().map(|name| path.join(name)).find(|file| file.is_file()) {
            let folder = place.trim_end_matches('/');
            self.passed_over.push((
                place.clone(),
                format!("a kustomization: judge `kubectl kustomize {folder}`, or give --kustomize {folder}"),
            ));
            self.parts.extend(files_of(path));
            self.add_parts(path, &file);
        }
        true
    }

    /// The files that a kustomization names.
    fn add_parts(&mut self, folder: &Path, file: &Path) {
        let Some(value) = first_document(file) else { return };
        let mut names = Vec::new();
        texts(&value, &mut names);
        for name in names.iter().filter(|name| !name.contains("://")) {
            let named = folder.join(name);
            if let Ok(real) = named.canonicalize().map_err(|_| ())
                && real.is_file()
            {
                self.parts.insert(real);
            }
        }
    }
}

/// The files of a folder, by their real paths.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.path().canonicalize().ok()).filter(|path| path.is_file()).collect()
}

/// Every text in a value.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The name of the chart that a folder is.
fn chart_name(folder: &Path) -> Option<String> {
    let chart = first_document(&folder.join("Chart.yaml"))?;
    Some(chart.get("name")?.as_str()?.to_owned())
}

fn first_document(file: &Path) -> Option<Value> {
    let text = yaml::decode(&std::fs::read(file).ok()?).ok()?;
    yaml::documents(&text).into_iter().next()?.content.ok().map(|(value, _)| value)
}

fn add_file(manifests: &mut Manifests, path: &Path) {
    // A pipe that was named is read, as `<(helm template …)` is one.
    add_read(manifests, path, std::fs::read(path));
}

fn add_read(manifests: &mut Manifests, path: &Path, read: std::io::Result<Vec<u8>>) {
    let name = name_of(path);
    match read {
        Ok(bytes) => add_bytes(manifests, &name, &bytes),
        Err(error) => manifests.not_readable(&name, error.to_string()),
    }
}

fn add_bytes(manifests: &mut Manifests, file: &str, bytes: &[u8]) {
    match yaml::decode(bytes) {
        Ok(text) => manifests.add(file, &text),
        Err(problem) => manifests.not_readable(file, problem.to_owned()),
    }
}

/// A file's name relative to the working directory, where it is in there.
fn name_of(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    let path = inside.filter(|inside| !inside.as_os_str().is_empty()).unwrap_or_else(|| path.to_path_buf());
    path.strip_prefix(".")
        .ok()
        .filter(|rest| !rest.as_os_str().is_empty())
        .unwrap_or(&path)
        .display()
        .to_string()
}

/// What a tool prints.
fn rendered(tool: &str, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(tool).args(arguments).output().with_context(|| format!("{tool} is not installed"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{tool} {}: {}", arguments.join(" "), text.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{tool} printed no UTF-8"))
}
