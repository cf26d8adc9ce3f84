//! `conformance live`: the policy against the running webhook. `conformance recorded`: against what it answered once.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use conformance::{
    compare::Answer,
    configurations::{self, Configuration},
    generate::{Case, Generator},
    oracle::Oracle,
    picture, recording, shrink, summary,
    tally::{self, Failure, Tally},
};
use policy_runner::{bench::budgets::Budgets, host::Module};

/// Compares the policy with the azure-workload-identity webhook.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// The policy's module
    #[arg(long, global = true, default_value = "policy.wasm")]
    policy: PathBuf,
    /// Where the recordings are
    #[arg(long, global = true, default_value = "tests/recorded")]
    recorded: PathBuf,
}

#[derive(Subcommand)]
enum Verb {
    /// Asks both, of generated cases
    Live {
        /// The webhook: cases as JSON lines in, answers as JSON lines out
        oracle: PathBuf,
        /// How many cases in all
        #[arg(long, default_value_t = 6000)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 20_261_124)]
        seed: u64,
    },
    /// Writes down what the webhook answers
    Record {
        /// As for `live`
        oracle: PathBuf,
        /// How many cases in all
        #[arg(long, default_value_t = 600)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 1_600)]
        seed: u64,
    },
    /// Compares the policy with what was written down
    Recorded,
    /// Leaves in the summary what fuzzing did
    Fuzzed {
        /// What libFuzzer printed, a file for each target
        logs: Vec<PathBuf>,
    },
    /// Draws what a command printed, from standard input, as SVG
    Picture {
        /// The command, as it is shown
        command: String,
    },
    /// Leaves in the summary that all figures are within their budgets
    WithinBudgets {
        /// The budget file
        budgets: PathBuf,
    },
    /// Leaves in the summary that a check was not run
    Skipped {
        /// Which one
        section: String,
        /// Why
        why: String,
    },
    /// Prints what all checks left, and fails where one left nothing
    Summary,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.verb {
        Verb::Live { oracle, cases, seed } => live(&cli, oracle, *cases, *seed),
        Verb::Record { oracle, cases, seed } => record(&cli, oracle, *cases, *seed),
        Verb::Recorded => recorded(&cli),
        Verb::Fuzzed { logs } => fuzzed(logs).map(|()| true),
        Verb::Picture { command } => {
            std::io::read_to_string(std::io::stdin()).map_err(Into::into).map(|output| {
                print!("{}", picture::svg(command, &output));
                true
            })
        }
        Verb::WithinBudgets { budgets } => within(budgets).map(|()| true),
        Verb::Skipped { section, why } => summary::leave(section, &format!("not run: {why}")).map(|()| true),
        Verb::Summary => summary::all().map(|text| {
            print!("\n{text}");
            true
        }),
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

fn cases(seed: u64, number: usize) -> Vec<Case> {
    let mut generator = Generator::new(seed);
    (0..number).map(|_| generator.case()).collect()
}

fn live(cli: &Cli, oracle: &Path, number: usize, seed: u64) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let configurations = configurations::all();
    let each = number.div_ceil(configurations.len());
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = || -> Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(configuration) = configurations.get(index) else { return Ok(()) };
            let cases = cases(seed.wrapping_add(index as u64), each);
            let own = compare(&module, oracle, configuration, &cases)?;
            tally.lock().unwrap_or_else(PoisonError::into_inner).add(own);
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(_) => anyhow::bail!("a comparison broke down"),
        })
    })?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ask = |configuration: &Configuration, case: &Case| {
        let mut oracle = Oracle::start(oracle, configuration)?;
        oracle.ask(std::slice::from_ref(case))?.pop().context("no answer")
    };
    conclude(&module, &tally, "conformance", &format!("{}, live, seed {seed}: ", recording::WEBHOOK), &ask)
}

/// All three comparisons of all cases with one configuration.
fn compare(module: &Module, oracle: &Path, configuration: &Configuration, cases: &[Case]) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut oracle = Oracle::start(oracle, configuration)?;
    for cases in cases.chunks(1000) {
        let answers = oracle.ask(cases)?;
        let mut second = Vec::new();
        for (case, answer) in cases.iter().zip(&answers) {
            second.extend(tally.judge(module, configuration, case, answer)?);
        }
        let answers = oracle.ask(&second)?;
        for (case, answer) in second.iter().zip(&answers) {
            tally.judge_again(configuration, case, answer)?;
        }
    }
    Ok(tally)
}

fn record(cli: &Cli, oracle: &Path, number: usize, seed: u64) -> Result<bool> {
    let configurations = configurations::all();
    let each = number.div_ceil(configurations.len());
    for (index, configuration) in configurations.iter().enumerate() {
        let seed = seed.wrapping_add(index as u64);
        let cases = cases(seed, each);
        let answers = Oracle::start(oracle, configuration)?.ask(&cases)?;
        recording::write(&cli.recorded, configuration, seed, cases, answers)?;
    }
    println!("{} cases recorded in {}", each * configurations.len(), cli.recorded.display());
    Ok(true)
}

fn recorded(cli: &Cli) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let mut tally = Tally::default();
    let mut answers = Vec::new();
    for configuration in configurations::all() {
        for recorded in recording::read(&cli.recorded, &configuration)? {
            tally.judge(&module, &configuration, &recorded.case, &recorded.webhook)?;
            answers.push((recorded.case, recorded.webhook));
        }
    }
    let ask = |_: &Configuration, case: &Case| {
        let found = answers.iter().find(|(recorded, _)| recorded == case);
        found.map(|(_, answer)| answer.clone()).context("it was not recorded")
    };
    conclude(&module, &tally, "recorded", &format!("{}, recorded: ", recording::WEBHOOK), &ask)
}

fn within(budgets: &Path) -> Result<()> {
    let figures = Budgets::from_file(budgets)?.counted();
    summary::leave("budgets", &format!("{figures} counted figures, 0 over their budgets"))
}

/// Reads libFuzzer's closing line, `Done 167979 runs in 31 second(s)`.
fn fuzzed(logs: &[PathBuf]) -> Result<()> {
    let mut lines = Vec::new();
    for log in logs {
        let text = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
        let done =
            text.lines().find_map(|line| line.strip_prefix("Done ")).context("fuzzing did not end well")?;
        let target = log.file_stem().unwrap_or_default().to_string_lossy().replace("fuzz-", "");
        lines.push(format!("{target}: {done}, 0 crashes"));
    }
    summary::leave("fuzz", &lines.join("\n"))
}

fn conclude(
    module: &Module,
    tally: &Tally,
    section: &str,
    head: &str,
    ask: &dyn Fn(&Configuration, &Case) -> Result<Answer>,
) -> Result<bool> {
    let report = format!("{head}{}", tally.report());
    print!("{report}");
    summary::leave(section, &report)?;
    let Some(Failure { pass, configuration, case }) =
        tally.failures.iter().min_by_key(|failure| failure.case.request.to_string().len())
    else {
        return Ok(true);
    };
    let all = configurations::all();
    let configuration =
        all.iter().find(|other| other.name == *configuration).context("no such configuration")?;
    let way = |case: &Case| tally::fails(*pass, module, configuration, case, |case| ask(configuration, case));
    let first = way(case);
    let smallest = shrink::smallest(case.clone(), |case| way(case) == first);
    println!("\nThe smallest pod that shows it:");
    println!("{}", tally::explain(*pass, module, configuration, &smallest, |case| ask(configuration, case))?);
    Ok(false)
}
