//! `azwi-policy bench`.

use std::{collections::BTreeMap, io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use azwi_policy::bench::{
    self, Figures, Subject,
    budgets::{self, Budgets},
    cases, files, lists, plot, table, webhook,
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::pairs_command::{self, Ceilings};

#[derive(Args)]
pub struct Bench {
    /// The policy's module
    #[arg(long, value_name = "WASM", default_value = "policy.wasm")]
    policy: PathBuf,
    /// Another module, measured beside it in the same run; can be repeated. Ratios are against the first one
    #[arg(long, value_name = "WASM")]
    against: Vec<PathBuf>,
    /// A program that runs the webhook (`conformance/oracle`), for a row of it
    #[arg(long, value_name = "PROGRAM")]
    webhook: Option<PathBuf>,
    /// Calls of each case
    #[arg(long, default_value_t = 2000)]
    calls: usize,
    /// Count only: no times, so that the output is the same at every run
    #[arg(long)]
    count: bool,
    /// Fail where a figure is over its budget
    #[arg(long, value_name = "FILE")]
    budgets: Option<PathBuf>,
    /// Count every two things that a request or the settings can repeat or lengthen, together: how cost grows, and the ceilings of the N
    /// that cost most (0: of all, which takes an hour)
    #[arg(long, value_name = "N")]
    pairs: Option<usize>,
    /// Count what files cost in the page's engine, and measure what they cost here: both grow with the bytes, and no faster
    #[arg(long, value_name = "WASM")]
    engine: Option<PathBuf>,
    /// Look for the request that costs most for its bytes, for so many seconds
    #[arg(long, value_name = "SECONDS")]
    climb: Option<u64>,
    /// Also calls per second with 1 to N threads, each call on an instance of its own
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Draw cost against the pod's size, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// For machines
    #[arg(long, short)]
    output: Option<Output>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// As JSON
    Json,
    /// The counted figures, as a budget file
    Budgets,
}

/// Whether all is within its budget.
pub fn run(args: &Bench) -> Result<bool> {
    if let Some(seconds) = args.climb {
        return pairs_command::climb(&args.policy, Duration::from_secs(seconds)).map(|()| true);
    }
    if let Some(number) = args.pairs {
        let ceilings = if number == 0 { Ceilings::All } else { Ceilings::Steepest(number) };
        return Ok(is_within(&pairs_command::run(&args.policy, ceilings)?));
    }
    if let Some(path) = &args.engine {
        let read =
            |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        return Ok(is_within(&files::run(&read(path)?, &read(&args.policy)?, !args.count)?));
    }
    let paths = std::iter::once(&args.policy).chain(&args.against);
    let subjects = paths.map(|path| Subject::from_file(path)).collect::<Result<Vec<_>>>()?;
    let Some(policy) = subjects.first() else { bail!("no module to measure") };
    let cases = measured(args)?;
    let figures = if args.count {
        let counted = cases.iter().flat_map(|case| subjects.iter().map(move |subject| subject.count(case)));
        counted.collect::<Result<Vec<_>>>()?
    } else {
        bench::measure(&subjects, &cases, args.calls)?
    };
    let counted = budgets::counted(policy, &figures);
    let webhook = webhook_costs(args, &cases)?;
    let mut out = anstream::stdout().lock();
    print(args, &mut out, &subjects, &figures, &counted, &webhook)?;
    if let (Some(threads), Some(case)) = (args.threads, cases.first()) {
        writeln!(out)?;
        for threads in 1..=threads {
            let rate = bench::throughput(policy, case, threads, Duration::from_secs(3))?;
            writeln!(out, "{threads} threads: {rate:.0} calls per second ({})", case.name)?;
        }
    }
    if let Some(path) = &args.plot {
        plot::draw(policy, path)?;
    }
    let Some(path) = &args.budgets else { return Ok(true) };
    let budgets = Budgets::from_file(path)?;
    let mut exceeded = budgets.exceeded(&counted);
    exceeded.extend(lists::too_steep(|case| counted.get(&format!("instructions/{case}")).copied()));
    if !args.count && subjects.len() > 1 {
        writeln!(out)?;
        exceeded.extend(ratios(&mut out, &budgets, &subjects, &figures)?);
    }
    out.flush()?;
    Ok(is_within(&exceeded))
}

/// The cases that are measured.
fn measured(args: &Bench) -> Result<Vec<cases::Case>> {
    let mut cases = cases::all()?;
    cases.push(cases::sized("50-containers", 50, 1)?);
    cases.push(cases::sized("1000-containers", 1000, 1)?);
    if args.count {
        cases.extend(lists::all()?);
    }
    Ok(cases)
}

/// Whether no budget is exceeded; says which are.
fn is_within(exceeded: &[String]) -> bool {
    for line in exceeded {
        anstream::eprintln!("over budget: {line}");
    }
    exceeded.is_empty()
}

/// What the webhook costs for the same cases, where one is given.
fn webhook_costs<'c>(args: &Bench, cases: &'c [cases::Case]) -> Result<Vec<(&'c str, webhook::Cost)>> {
    let Some(program) = &args.webhook else { return Ok(Vec::new()) };
    let pods: Vec<_> = cases.iter().filter(|case| case.name != "unrelated-deployment").collect();
    let costs = webhook::costs(program, &pods, args.calls / 10)?;
    Ok(pods.iter().map(|case| case.name).zip(costs).collect())
}

/// Prints the figures in the form that was asked for.
fn print(
    args: &Bench,
    out: &mut dyn Write,
    subjects: &[Subject],
    figures: &[Figures],
    counted: &BTreeMap<String, u64>,
    webhook: &[(&str, webhook::Cost)],
) -> Result<()> {
    match args.output {
        Some(Output::Budgets) => {
            for (name, number) in counted {
                writeln!(out, "{name} {number}")?;
            }
        }
        Some(Output::Json) => {
            let modules = subjects.iter().map(|subject| {
                json!({"module": subject.name, "bytes": subject.bytes, "compileMs": subject.compile.as_secs_f64() * 1e3})
            });
            let webhook: BTreeMap<_, _> = webhook.iter().map(|(case, cost)| (case, cost)).collect();
            let report =
                json!({"modules": modules.collect::<Vec<_>>(), "cases": figures, "webhook": webhook});
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        }
        None => {
            heads(args, out, subjects)?;
            table::write(out, figures, webhook)?;
        }
    }
    Ok(())
}

/// A line for each module.
fn heads(args: &Bench, out: &mut dyn Write, subjects: &[Subject]) -> Result<()> {
    for subject in subjects {
        write!(out, "{}: {} bytes", subject.name, subject.bytes)?;
        if !args.count {
            let instantiate = subject.instantiate(500)?.as_secs_f64() * 1e6;
            let compile = subject.compile.as_secs_f64() * 1e3;
            write!(out, ", compiled in {compile:.0} ms, instantiated in {instantiate:.1} µs")?;
        }
        writeln!(out)?;
    }
    Ok(writeln!(out)?)
}

/// Prints the ratios of median times, and returns those over their limit.
fn ratios(
    out: &mut dyn Write,
    budgets: &Budgets,
    subjects: &[Subject],
    figures: &[Figures],
) -> Result<Vec<String>> {
    let [policy, floor, ..] = subjects else { return Ok(Vec::new()) };
    let find = |module: &str, case: &str| {
        figures.iter().find(|figures| figures.module == module && figures.case == case)
    };
    let mut missed = Vec::new();
    for (name, limit) in budgets.ratios() {
        // `a-to-floor`: against the floor; `a-to-b`: of two cases; `a-per-byte-to-b-per-byte`: by bytes of input.
        let Some((one, other)) = name.split_once("-to-") else { bail!("ratio/{name} is not a ratio") };
        let by_bytes = one.strip_suffix("-per-byte").zip(other.strip_suffix("-per-byte"));
        let (per_byte, (one, other)) = (by_bytes.is_some(), by_bytes.unwrap_or((one, other)));
        let one = find(&policy.name, one);
        let other = if other == "floor" {
            one.and_then(|one| find(&floor.name, one.case))
        } else {
            find(&policy.name, other)
        };
        let (Some(one), Some(other)) = (one, other) else { bail!("ratio/{name} is of no case") };
        #[allow(clippy::cast_precision_loss)] // sizes stay far below 2^52
        let time =
            |figures: &Figures| figures.median_us / if per_byte { figures.bytes_in as f64 } else { 1.0 };
        let ratio = time(one) / time(other);
        writeln!(out, "{name}: {ratio:.2}, at most {limit}")?;
        if ratio > limit {
            missed.push(format!("{name} is {ratio:.2}, the limit is {limit}"));
        }
    }
    Ok(missed)
}
