//! `azwi-policy`: runs the policy on manifests (`check`) or on a recorded request (`run`), without a cluster.
#![forbid(unsafe_code)]

mod bench_command;
#[path = "check/mod.rs"]
mod check_command;
mod fallback_command;
mod pairs_command;

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, anyhow, bail};
use azwi_policy::{
    host::{Answers, GetResource, Module},
    replay,
};
use check::yaml;
use clap::{Args, Parser, Subcommand};
use serde_json::Value;

/// Runs the Azure workload identity policy locally.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows what the policy does with the manifests in FILE…
    ///
    /// The `ServiceAccount` objects among them stand in for those of the cluster: any other counts as missing. Folders are
    /// read with the folders in them. Exit status: 0 all allowed (with warnings or without), 1 something refused, or what
    /// `--fail-on` counts, 2 could not run, or could not read everything.
    Check(Box<check_command::Check>),
    /// Puts one recorded request through the policy, as `kwctl run` does.
    Run(Run),
    /// Prints a MutatingAdmissionPolicy that gives pods their identity while the PolicyServer is down, with its bindings.
    ///
    /// It is made from the policy's own settings, and does the plain case alone: what it leaves to the policy stands at its head.
    Fallback(fallback_command::Fallback),
    /// Measures what the policy costs: time, instructions, host calls and memory.
    ///
    /// Exit status: 0 all within the budgets, 1 something over, 2 could not run.
    Bench(bench_command::Bench),
}

#[derive(Args)]
struct Run {
    /// File with the AdmissionReview or its request, - for standard input
    #[arg(long, short, value_name = "PATH")]
    request_path: PathBuf,
    /// File with the settings, in YAML or JSON
    #[arg(long, short, value_name = "PATH", conflicts_with = "settings_json")]
    settings_path: Option<PathBuf>,
    /// The settings as JSON
    #[arg(long, value_name = "VALUE")]
    settings_json: Option<String>,
    /// Grant the policy access to `ServiceAccounts`
    #[arg(long)]
    allow_context_aware: bool,
    /// File with recorded host calls, which answer the policy's
    #[arg(long, value_name = "FILE")]
    replay_host_capabilities_interactions: Option<PathBuf>,
    /// The policy's module
    #[arg(value_name = "WASM")]
    policy: PathBuf,
}

fn main() -> ExitCode {
    // `run` fails as kwctl does, so that a script written for one works with the other.
    let (outcome, failure) = match Cli::parse().command {
        Command::Check(args) => (check_command::run(&args), 2),
        Command::Run(args) => (run_request(&args).map(|()| true), 1),
        Command::Fallback(args) => (fallback_command::run(&args), 2),
        Command::Bench(args) => (bench_command::run(&args), 2),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // The reader has closed the pipe: `| head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("Error: {error:#}");
            ExitCode::from(failure)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn read_settings(path: Option<&Path>) -> Result<Value> {
    let Some(path) = path else { return Ok(Value::Object(serde_json::Map::new())) };
    Ok(settings_or_manifest(path)?.0)
}

/// The settings in a file, and the manifest that they are in, where it is a policy's manifest.
fn settings_or_manifest(path: &Path) -> Result<(Value, Option<Value>)> {
    let bytes =
        std::fs::read(path).with_context(|| format!("cannot read the settings {}", path.display()))?;
    let text =
        yaml::decode(&bytes).map_err(|problem| anyhow!("the settings {} are {problem}", path.display()))?;
    // As kubectl reads them: there they go in the end, and it does not read `Off` as a string.
    let mut documents = Vec::new();
    for document in yaml::documents(&text) {
        match document.content {
            Ok((value, _)) => documents.push(value),
            Err(error) => bail!("the settings {} are no YAML or JSON: {error}", path.display()),
        }
    }
    // Of a rendered overlay: the registration that changes pods.
    let mutates = |value: &Value| {
        value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("AdmissionPolicy"))
            && value.pointer("/spec/mutating") == Some(&Value::Bool(true))
    };
    if documents.len() > 1 {
        documents.retain(mutates);
        if documents.len() != 1 {
            bail!(
                "the settings {} are more than one document, {} of them a policy that mutates; give one",
                path.display(),
                documents.len()
            );
        }
    }
    let value = documents.pop().unwrap_or_default();
    let is_manifest = value.get("apiVersion").is_some() && value.get("kind").is_some();
    if is_manifest {
        Ok((value.pointer("/spec/settings").cloned().unwrap_or_default(), Some(value)))
    } else {
        Ok((value, None))
    }
}

fn check_settings(module: &Module, settings: &Value) -> Result<()> {
    match module.validate_settings(settings)? {
        Ok(()) => Ok(()),
        Err(message) => bail!("Provided settings are not valid: {message}"),
    }
}

fn run_request(args: &Run) -> Result<()> {
    let text = if args.request_path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the request from standard input")?;
        text
    } else {
        std::fs::read_to_string(&args.request_path)
            .with_context(|| format!("cannot read the request file {}", args.request_path.display()))?
    };
    let review: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not JSON", args.request_path.display()))?;
    let request = review.get("request").unwrap_or(&review);
    let settings = match &args.settings_json {
        Some(json) => serde_json::from_str(json).context("the settings are no JSON")?,
        None => read_settings(args.settings_path.as_deref())?,
    };
    let module = Module::from_file(&args.policy)?;
    check_settings(&module, &settings)?;
    let evaluation = module.evaluate(&settings, request, answers(args)?)?;
    for line in &evaluation.calls.log {
        anstream::eprintln!("policy log: {line}");
    }
    // Not println, which panics when the reader has closed the pipe.
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&evaluation.response)?)?;
    Ok(out.flush()?)
}

/// Without `--allow-context-aware` the look-up is denied in the host's own words, as kwctl has it.
fn answers(args: &Run) -> Result<Answers> {
    if !args.allow_context_aware {
        return Ok(Arc::new(|request: &GetResource| Err(request.not_granted())));
    }
    match &args.replay_host_capabilities_interactions {
        Some(path) => replay::from_file(path),
        None => Ok(Arc::new(|_: &GetResource| {
            Err("Callback evaluation failure: no cluster: give --replay-host-capabilities-interactions"
                .to_owned())
        })),
    }
}
