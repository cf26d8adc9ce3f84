//! `policy-runner`: runs the policy on manifests (`try`) or on a recorded request (`run`), without a cluster.
#![forbid(unsafe_code)]

mod bench_verb;

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use policy_runner::{
    host::{Answers, GetResource, Module},
    manifests::{self, Manifests},
    replay, report,
    response::AdmissionResponse,
};
use serde_json::Value;

/// Runs the Azure workload identity policy locally.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Shows what the policy does with the manifests in FILE…
    ///
    /// The `ServiceAccount` objects among them stand in for those of the cluster: any other counts as missing. Folders are
    /// read with the folders in them. Exit status: 0 all allowed (with warnings or without), 1 something refused, 2 could not
    /// run, or no Kubernetes object in FILE….
    Try(Try),
    /// Puts one recorded request through the policy, as `kwctl run` does.
    Run(Run),
    /// Measures what the policy costs: time, instructions, host calls and memory.
    ///
    /// Exit status: 0 all within the budgets, 1 something over, 2 could not run.
    Bench(bench_verb::Bench),
}

#[derive(Args)]
struct Try {
    /// Manifests in YAML or JSON, folders of them, or - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The policy's settings, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Namespace of objects that name none
    #[arg(long, short, default_value = "default")]
    namespace: String,
    /// The policy's module
    #[arg(long, value_name = "WASM", default_value = "policy.wasm")]
    policy: PathBuf,
    /// Print the resulting objects instead, or the first container's environment
    #[arg(long, short)]
    output: Option<Output>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// The objects as they come out, as YAML
    Yaml,
    /// The objects as they come out, as JSON
    Json,
    /// What `kubectl get pod … -o json | jq '.spec.containers[0].env'` would print
    Env,
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
    let (outcome, failure) = match Cli::parse().verb {
        Verb::Try(args) => (try_manifests(&args), 2),
        Verb::Run(args) => (run_request(&args).map(|()| true), 1),
        Verb::Bench(args) => (bench_verb::run(&args), 2),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("Error: {error:#}");
            ExitCode::from(failure)
        }
    }
}

fn read_settings(path: Option<&Path>) -> Result<Value> {
    let Some(path) = path else { return Ok(Value::Object(serde_json::Map::new())) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the settings {}", path.display()))?;
    let value: Value = yaml_serde::from_str(&text)
        .with_context(|| format!("the settings {} are no YAML or JSON", path.display()))?;
    // A policy's manifest will do: its settings are in it.
    let is_manifest = value.get("apiVersion").is_some() && value.get("kind").is_some();
    Ok(if is_manifest { value.pointer("/spec/settings").cloned().unwrap_or_default() } else { value })
}

fn check_settings(module: &Module, settings: &Value) -> Result<()> {
    match module.validate_settings(settings)? {
        Ok(()) => Ok(()),
        Err(message) => bail!("Provided settings are not valid: {message}"),
    }
}

/// Whether all was allowed.
fn try_manifests(args: &Try) -> Result<bool> {
    let settings = read_settings(args.settings.as_deref())?;
    let manifests = manifests::read(&args.files)?;
    if manifests.objects.is_empty() {
        bail!(
            "no Kubernetes object in {}",
            args.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
        );
    }
    let module = Module::from_file(&args.policy)
        .context("build the module with `make policy.wasm`, or give another with --policy")?;
    check_settings(&module, &settings)?;
    let mut out = anstream::stdout().lock();
    let all_allowed = judge_all(args, &module, &settings, &manifests, &mut out)?;
    out.flush()?;
    for passed_over in &manifests.passed_over {
        anstream::eprintln!("passed over: {passed_over}");
    }
    Ok(all_allowed)
}

/// The `ServiceAccounts` and workloads are judged as when they are applied, and the pods that the workloads would get.
fn judge_all(
    args: &Try,
    module: &Module,
    settings: &Value,
    manifests: &Manifests,
    out: &mut dyn Write,
) -> Result<bool> {
    let cluster = manifests.cluster(&args.namespace);
    let (mut all_allowed, mut judged) = (true, 0_usize);
    let progress = ProgressBar::new(manifests.objects.len() as u64); // draws only on a terminal
    for object in &manifests.objects {
        progress.inc(1);
        let pod = manifests::pod_of(&object.value);
        for (value, shown) in [(Some(&object.value), pod.is_none()), (pod.as_ref(), true)] {
            let Some(value) = value else { continue };
            let request = manifests::creation(value, &args.namespace).with_context(|| object.file.clone())?;
            let Some(request) = request else {
                if let Some(Output::Yaml | Output::Json) = args.output {
                    print_object(out, args.output, value)?;
                }
                continue;
            };
            judged += 1;
            let evaluation = module.evaluate(settings, &request, Arc::clone(&cluster))?;
            let why = manifests::why_untouched(&request, &evaluation.calls.look_ups, &cluster);
            let response = evaluation.response;
            let before = request.get("object").unwrap_or(&Value::Null);
            let after = response.apply(before)?;
            all_allowed &= response.allowed;
            let namespace = manifests::namespace_of(before, &args.namespace);
            let part = if shown { Part::Shown } else { Part::Judged };
            show(
                args,
                out,
                &Outcome { value, part, namespace, before, after: &after, response: &response, why },
                manifests.objects.len(),
            )?;
        }
    }
    progress.finish_and_clear();
    nothing_judged(judged, manifests);
    Ok(all_allowed)
}

fn nothing_judged(judged: usize, manifests: &Manifests) {
    if judged == 0 {
        anstream::eprintln!("nothing for the policy among the {} objects", manifests.objects.len());
    }
}

/// Whether an object is printed with `--output`, or stands for its pod, which is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Shown,
    Judged,
}

/// What came of an object.
struct Outcome<'a> {
    value: &'a Value,
    part: Part,
    namespace: &'a str,
    before: &'a Value,
    after: &'a Value,
    response: &'a AdmissionResponse,
    why: Option<String>,
}

/// Shows what came of one of `number` objects. A ServiceAccount of which there is nothing to say is not worth a line among others.
fn show(args: &Try, out: &mut dyn Write, outcome: &Outcome, number: usize) -> Result<()> {
    let Outcome { value, part, namespace, before, after, response, why } = outcome;
    let is_account = manifests::kind(value) == "ServiceAccount";
    let speaks = !response.allowed || response.warnings.is_some();
    match args.output {
        None if is_account && !speaks && number > 1 => {}
        None => report::object(out, namespace, before, after, response, why.as_deref())?,
        Some(_) if !response.allowed => refused(namespace, before, response),
        Some(Output::Env) if is_account => {}
        Some(_) if *part == Part::Shown => print_object(out, args.output, after)?,
        Some(_) => {}
    }
    Ok(())
}

fn refused(namespace: &str, object: &Value, response: &AdmissionResponse) {
    anstream::eprintln!(
        "{} {namespace}/{}: refused: {}",
        manifests::kind(object),
        manifests::name_of(object),
        response.message()
    );
}

fn print_object(out: &mut dyn Write, output: Option<Output>, object: &Value) -> Result<()> {
    match output {
        Some(Output::Yaml) => write!(out, "---\n{}", yaml_serde::to_string(object)?)?,
        Some(Output::Env) => {
            let env = object.pointer("/spec/containers/0/env").unwrap_or(&Value::Null);
            writeln!(out, "{}", serde_json::to_string_pretty(env)?)?;
        }
        Some(Output::Json) | None => writeln!(out, "{}", serde_json::to_string_pretty(object)?)?,
    }
    Ok(())
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
    let review: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", args.request_path.display()))?;
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
    println!("{}", serde_json::to_string(&evaluation.response)?);
    Ok(())
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
