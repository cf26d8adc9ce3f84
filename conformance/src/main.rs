//! `conformance live`: the policy against the running webhook. `conformance recorded`: against what it answered once.
#![forbid(unsafe_code)]

mod cli;

use std::{
    fmt::Write,
    path::Path,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use azwi_policy::{bench::budgets::Budgets, host::Module};
use clap::Parser;
use conformance::{
    compare, conditions,
    configurations::{self, Configuration},
    deviations, fallback,
    oracle::Oracle,
    passes::{self, Cast, Pass},
    picture, recording, seeds, summary,
    tally::{self, Failure, Tally},
    validity, yaml,
};
use laws::{
    draw,
    pods::{self, Case},
};
use proptest::strategy::ValueTree;

use crate::cli::{Cli, Command};

/// The webhook that is asked live.
const LIVE: &str = "azure-workload-identity v1.6.0 with layout Fixed";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Live { oracle, cases, seed } => live(&cli, oracle, *cases, *seed),
        Command::Recorded => recorded(&cli),
        Command::Valid { kubernetes, cases, seed } => valid(&cli, kubernetes, *cases, *seed),
        Command::Conditions { kubernetes } => try_conditions(&cli, kubernetes),
        Command::Fallback { kubernetes, cases, seed } => try_fallback(&cli, kubernetes, *cases, *seed),
        Command::Yaml { kubernetes } => read_yaml(kubernetes).map(|()| true),
        Command::Passes { oracle, kubernetes, cases, seed } => {
            passes(&cli, oracle, kubernetes.as_deref(), *cases, *seed)
        }
        Command::Seeds { folder, cases, seed } => seeds::write(folder, *seed, *cases).map(|()| true),
        Command::Manifests { folder, cases, seed } => seeds::manifests(folder, *seed, *cases).map(|()| true),
        Command::Fuzzed { logs } => summary::fuzzed(logs).map(|()| true),
        Command::Picture { command } => {
            std::io::read_to_string(std::io::stdin()).map_err(Into::into).map(|output| {
                print!("{}", picture::svg(command, &output));
                true
            })
        }
        Command::WithinBudgets { budgets } => within(budgets).map(|()| true),
        Command::Skipped { section, why } => {
            summary::leave(section, &format!("not run: {why}")).map(|()| true)
        }
        Command::Summary => summary::all().map(|text| {
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
    draw::cases(&pods::case(), seed, number)
}

fn live(cli: &Cli, oracle: &Path, number: usize, seed: u64) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let configurations = configurations::all("Fixed");
    let each = number.div_ceil(configurations.len());
    let tally = compare_all(&module, oracle, &configurations, each, seed)?;
    let ask = |configuration: &Configuration, case: &Case| {
        let mut oracle = Oracle::start(oracle, configuration)?;
        oracle.ask(std::slice::from_ref(case))?.pop().context("no answer")
    };
    let head = format!("{LIVE}, live, seed {seed}: ");
    let trees = |name: &str| {
        let index =
            configurations.iter().position(|configuration| configuration.name == name).unwrap_or_default();
        draw::trees(&pods::case(), seed.wrapping_add(index as u64), each)
    };
    let Some(failure) = conclude(&tally, "conformance", &head)? else { return Ok(true) };
    let configuration = configurations.iter().find(|other| other.name == failure.configuration);
    let configuration = configuration.context("no such configuration")?;
    // The pod that fails may have been made from a generated one. Shrink the generated one.
    let way = |case: &Case| {
        tally::fails(failure.pass, &module, configuration, case, |case| ask(configuration, case))
    };
    let tree = trees(failure.configuration).into_iter().find(|tree| way(&tree.current()).is_some());
    let case = tree.map_or_else(
        || failure.case.clone(),
        |tree| {
            let first = way(&tree.current());
            draw::smallest(tree, |case| way(case) == first)
        },
    );
    println!("\nThe smallest pod that shows it:");
    println!(
        "{}",
        tally::explain(failure.pass, &module, configuration, &case, |case| ask(configuration, case))?
    );
    Ok(false)
}

/// All comparisons, on two threads.
fn compare_all(
    module: &Module,
    oracle: &Path,
    configurations: &[Configuration],
    each: usize,
    seed: u64,
) -> Result<Tally> {
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = || -> Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(configuration) = configurations.get(index) else { return Ok(()) };
            let cases = cases(seed.wrapping_add(index as u64), each);
            let own = compare(module, oracle, configuration, &cases)?;
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
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
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

/// Compares the policy's default layout with what the webhook of today has answered.
fn recorded(cli: &Cli) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let mut tally = Tally::default();
    let mut answers = Vec::new();
    for configuration in configurations::all("PerPod") {
        for recorded in recording::read(&cli.recorded, &configuration)? {
            tally.judge(&module, &configuration, &recorded.case, &recorded.webhook)?;
            answers.push((recorded.case, recorded.webhook));
        }
    }
    anyhow::ensure!(
        tally.explained_by("unknown fields are kept") == 0,
        "the webhook of today keeps unknown fields: nothing is explained by their loss"
    );
    let Some(failure) = conclude(&tally, "recorded", &format!("{}, recorded: ", recording::WEBHOOK))? else {
        return Ok(true);
    };
    let all = configurations::all("PerPod");
    let configuration = all.iter().find(|other| other.name == failure.configuration);
    let ask = |case: &Case| {
        let found = answers.iter().find(|(recorded, _)| recorded == case);
        found.map(|(_, answer)| answer.clone()).context("it was not recorded")
    };
    let configuration = configuration.context("no such configuration")?;
    println!("{}", tally::explain(failure.pass, &module, configuration, &failure.case, ask)?);
    Ok(false)
}

fn valid(cli: &Cli, kubernetes: &Path, number: usize, seed: u64) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let validity = validity::check(&module, kubernetes, seed, number)?;
    let report = validity.report();
    print!("{report}");
    summary::leave("validity", &report)?;
    let smallest = validity.broken.iter().min_by_key(|(request, ..)| request.to_string().len());
    if let Some((request, pod, errors)) = smallest {
        println!("{errors:#?}\n{:#}\n{pod:#}", request.get("object").unwrap_or(request));
    }
    Ok(validity.broken.is_empty())
}

fn try_fallback(cli: &Cli, kubernetes: &Path, number: usize, seed: u64) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let tried = fallback::check(&module, kubernetes, seed, number)?;
    print!("{}", tried.report());
    summary::leave("fallback", &tried.report())?;
    if let Some((law, pod)) = tried.broken.iter().min_by_key(|(_, pod)| pod.to_string().len()) {
        println!("{law}:\n{pod:#}");
    }
    Ok(tried.broken.is_empty())
}

/// The live webhook with the paths mapped, against every recorded answer of the one that it stands for.
fn check_model(cli: &Cli, oracle: &Path) -> Result<String> {
    let (mut checked, mut twice, mut differ) = (0, 0, Vec::new());
    for configuration in configurations::all("PerPod") {
        let mut webhook = Oracle::start(oracle, &configuration)?;
        for recorded in recording::read(&cli.recorded, &configuration)? {
            let theirs = compare::webhook(&recorded.case, &recorded.webhook)?;
            let model = passes::per_pod(&mut webhook, &recorded.case)?;
            checked += 1;
            if tally::is_same_but_for_order(&theirs, &model) {
                continue;
            }
            if deviations::names_twice(&recorded.case) {
                twice += 1;
            } else {
                differ.push((recorded.case, theirs, model));
            }
        }
    }
    let smallest = differ.iter().min_by_key(|(case, ..)| case.request.to_string().len());
    if let Some((case, theirs, model)) = smallest {
        println!("{:#}\n{theirs:#?}\n{model:#?}", case.request);
    }
    anyhow::ensure!(
        differ.is_empty(),
        "{} of {checked} recorded answers are not those of the mapped webhook",
        differ.len()
    );
    Ok(format!(
        "the webhook since 1.6.1, mapped from 1.6.0, gives {} of {checked} recorded answers; in {twice} the strategic merge patch mixes entries of one name\n",
        checked - twice
    ))
}

/// Puts requests to the match conditions of `deploy/base`, and every change of a workload to them and to the policy.
fn try_conditions(cli: &Cli, kubernetes: &Path) -> Result<bool> {
    let folder = Path::new("deploy/base");
    let tried = conditions::check(folder, kubernetes)?;
    println!(
        "{tried} requests put to the match conditions of deploy/base, each called for or not as it should be"
    );
    let module = Module::from_file(&cli.policy)?;
    let called = conditions::changes(&module, folder, kubernetes)?;
    for request in called.missed.iter().take(3) {
        println!("missed: {request}");
    }
    let conditions::Called { tried: changes, in_vain, missed } = &called;
    let report = format!(
        "{changes} changes of workloads put to them and to the policy: {in_vain} called in vain, {} missed",
        missed.len()
    );
    println!("{report}");
    summary::leave(
        "conditions",
        &format!("{tried} requests put to the match conditions, 0 errors; {report}"),
    )?;
    Ok(missed.is_empty())
}

fn passes(cli: &Cli, oracle: &Path, kubernetes: Option<&Path>, number: usize, seed: u64) -> Result<bool> {
    let module = Module::from_file(&cli.policy)?;
    let mut actors = Cast::new(&module, oracle, kubernetes)?;
    let mut report = check_model(cli, oracle)?;
    let last = law(&mut actors, draw::trees(&passes::sequence(), seed, number), "policy", &mut report)?;
    let webhook =
        law(&mut actors, draw::trees(&passes::webhook_last(), seed, number / 2), "webhook", &mut report)?;
    print!("{report}");
    summary::leave("passes", &report)?;
    Ok(last && webhook)
}

/// Tries the law of passes on each tree; prints the smallest pod and order that breaks it.
fn law<T: ValueTree<Value = (Case, Vec<Pass>)>>(
    actors: &mut Cast,
    trees: Vec<T>,
    last: &str,
    report: &mut String,
) -> Result<bool> {
    let (number, mut orders, mut broken) = (trees.len(), std::collections::BTreeSet::new(), Vec::new());
    for tree in trees {
        let (case, passes) = tree.current();
        orders.insert(format!("{passes:?}"));
        if actors.broken(&case, &passes)?.is_some() {
            broken.push(tree);
        }
    }
    let orders = orders.len();
    writeln!(report, "{number} pods through {orders} orders with the {last} last, {} broken", broken.len())?;
    let Some(tree) = broken.into_iter().next() else { return Ok(true) };
    let fails =
        |(case, passes): &(Case, Vec<Pass>)| actors.broken(case, passes).is_ok_and(|wrong| wrong.is_some());
    let (case, passes) = draw::smallest(tree, fails);
    println!("{passes:?}\n{:#}", case.request.get("object").unwrap_or(&case.request));
    println!("{}", actors.broken(&case, &passes)?.unwrap_or_default());
    Ok(false)
}

fn read_yaml(kubernetes: &Path) -> Result<()> {
    let folders = ["deploy", "examples", "tests/cases"].map(Path::new);
    let read = yaml::check(&folders, kubernetes)?;
    let text = format!("{read} documents read as kubectl reads them, 0 differences");
    println!("{text}");
    summary::leave("yaml", &text)
}

fn within(budgets: &Path) -> Result<()> {
    let figures = Budgets::from_file(budgets)?.counted();
    summary::leave("budgets", &format!("{figures} counted figures, 0 over their budgets"))
}

/// Prints and leaves the report; the smallest failure, where there is one.
fn conclude<'t>(tally: &'t Tally, section: &str, head: &str) -> Result<Option<&'t Failure>> {
    let report = format!("{head}{}", tally.report());
    print!("{report}");
    summary::leave(section, &report)?;
    Ok(tally.failures.iter().min_by_key(|failure| failure.case.request.to_string().len()))
}
