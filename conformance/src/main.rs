//! `conformance record`: asks the oracle and writes down its answers. `conformance check`: compares the policy with them.
#![allow(clippy::indexing_slicing)] // fields of cases that the generator made

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use conformance::{
    compare::{self, Answer, Outcome, said},
    configurations::{self, Configuration},
    deviations::DEVIATIONS,
    generate::{Case, Generator},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use policy_runner::host::Module;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::TextDiff;

/// Compares the policy with the azure-workload-identity webhook.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// The policy's module
    #[arg(long, global = true, default_value = "policy.wasm")]
    policy: PathBuf,
    /// Where the recordings are
    #[arg(long, global = true, default_value = "conformance/recorded")]
    recorded: PathBuf,
}

#[derive(Subcommand)]
enum Verb {
    /// Asks an oracle (a program that runs the webhook) and writes its answers down
    Record {
        /// The oracle: cases as JSON lines in, answers as JSON lines out
        oracle: PathBuf,
        /// How many cases in all
        #[arg(long, default_value_t = 6000)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 20_261_124)]
        seed: u64,
    },
    /// Compares the policy with what is recorded
    Check,
}

/// A case and the webhook's answers: to the case, and to the pod that the policy made of it when this was recorded.
#[derive(Serialize, Deserialize)]
struct Recorded {
    case: Case,
    webhook: Answer,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.verb {
        Verb::Record { oracle, cases, seed } => record(&cli, oracle, *cases, *seed),
        Verb::Check => check(&cli),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn ask(oracle: &Path, configuration: &Configuration, cases: &[Case]) -> Result<Vec<Answer>> {
    let mut input = Vec::new();
    for case in cases {
        serde_json::to_writer(&mut input, case)?;
        input.push(b'\n');
    }
    let mut child = Command::new(oracle)
        .env_clear()
        .envs(configuration.environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", oracle.display()))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let stdout = child.stdout.take().context("no standard output")?;
    let answers = BufReader::new(stdout)
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Result<Vec<Answer>>>()?;
    let _ = writer.join();
    ensure!(child.wait()?.success(), "the oracle failed");
    ensure!(answers.len() == cases.len(), "{} answers to {} cases", answers.len(), cases.len());
    Ok(answers)
}

/// Records, and puts the policy's pods through the webhook: that must change nothing that matters.
fn record(cli: &Cli, oracle: &Path, cases: usize, seed: u64) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let configurations = configurations::all();
    let each = cases / configurations.len();
    let mut good = true;
    for (index, configuration) in configurations.iter().enumerate() {
        let mut generator = Generator::new(seed.wrapping_add(index as u64));
        let cases: Vec<Case> = (0..each).map(|_| generator.case()).collect();
        let answers = ask(oracle, configuration, &cases)?;
        let path = cli.recorded.join(format!("{}.jsonl.gz", configuration.name));
        let mut file = GzEncoder::new(File::create(&path)?, Compression::best());
        for (case, webhook) in cases.iter().zip(answers) {
            serde_json::to_writer(&mut file, &Recorded { case: case.clone(), webhook })?;
            file.write_all(b"\n")?;
        }
        file.finish()?;
        let mut second = Vec::new();
        for case in cases.iter().filter(|case| compare::is_selected(case)) {
            if let Outcome::Admitted(pod) = compare::policy(&module, &configuration.settings, case)? {
                let mut case = case.clone();
                case.request["object"] = compare::without_future(&pod);
                second.push(case);
            }
        }
        let answers = ask(oracle, configuration, &second)?;
        let mut changed = 0;
        for (case, answer) in second.iter().zip(&answers) {
            let Outcome::Admitted(pod) = compare::webhook(case, answer)? else { continue };
            let first = Outcome::Admitted(case.request["object"].clone());
            let after = Outcome::Admitted(pod.clone());
            if said(&pod) != said(&case.request["object"])
                && !DEVIATIONS.iter().any(|deviation| deviation.explains(case, &after, &first))
            {
                changed += 1;
                if changed == 1 {
                    eprintln!(
                        "{}: the webhook changes the policy's pod:\n{}",
                        configuration.name,
                        diff(&said(&case.request["object"]), &said(&pod))
                    );
                }
            }
        }
        good &= changed == 0;
        println!(
            "{}: {} cases recorded (seed {}), {} of the policy's pods put through the webhook, {changed} changed",
            configuration.name,
            each,
            seed + index as u64,
            second.len()
        );
    }
    Ok(good)
}

fn check(cli: &Cli) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let mut explained = vec![0_usize; DEVIATIONS.len()];
    let (mut cases, mut same, mut second, mut failures) = (0_usize, 0_usize, 0_usize, Vec::new());
    for configuration in configurations::all() {
        let path = cli.recorded.join(format!("{}.jsonl.gz", configuration.name));
        let file = File::open(&path).with_context(|| format!("no recording {}", path.display()))?;
        for line in BufReader::new(GzDecoder::new(file)).lines() {
            let Recorded { case, webhook } = serde_json::from_str(&line?)?;
            cases += 1;
            let theirs = compare::webhook(&case, &webhook)?;
            let ours = compare::policy(&module, &configuration.settings, &case)?;
            match (&theirs, &ours) {
                (Outcome::Admitted(theirs), Outcome::Admitted(ours)) if said(theirs) == said(ours) => {
                    same += 1;
                }
                (Outcome::Refused(_), Outcome::Refused(_)) => same += 1,
                _ => {
                    match DEVIATIONS.iter().position(|deviation| deviation.explains(&case, &theirs, &ours)) {
                        Some(index) => explained[index] += 1,
                        None => failures.push((configuration.name, case.clone(), theirs.clone(), ours)),
                    }
                }
            }
            if let (true, Outcome::Admitted(pod)) = (compare::is_selected(&case), &theirs) {
                second += 1;
                let mut again = case.clone();
                again.request["object"] = pod.clone();
                let after = compare::policy(&module, &configuration.settings, &again)?;
                let before = Outcome::Admitted(pod.clone());
                let unchanged = matches!(&after, Outcome::Admitted(after) if said(after) == said(pod));
                if !unchanged
                    && !DEVIATIONS.iter().any(|deviation| deviation.explains(&again, &before, &after))
                {
                    failures.push((configuration.name, again, before, after));
                }
            }
        }
    }
    println!("{cases} cases compared with azure-workload-identity v1.6.0: {same} the same");
    for (deviation, number) in DEVIATIONS.iter().zip(&explained) {
        println!("{number:6} {}: {}", deviation.name, deviation.reason);
    }
    println!("{second} of the webhook's pods put through the policy: changed where a deviation says so");
    println!("{} differences that nothing explains", failures.len());
    failures.sort_by_key(|(_, case, _, _)| case.request.to_string().len());
    if let Some((configuration, case, theirs, ours)) = failures.first() {
        println!("The smallest, with the configuration {configuration}:");
        println!("input\n{}", serde_json::to_string_pretty(case)?);
        println!("webhook → policy\n{}", diff(&shown(theirs), &shown(ours)));
    }
    println!("\n{} passed, {} failed", cases - failures.len().min(cases), failures.len());
    Ok(failures.is_empty())
}

fn shown(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Admitted(pod) => said(pod),
        Outcome::Refused(message) => Value::from(message.clone()),
    }
}

fn diff(one: &Value, other: &Value) -> String {
    let text = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    TextDiff::from_lines(text(one), text(other)).unified_diff().context_radius(4).to_string()
}
