//! `azwi-policy bench --pairs`.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use azwi_policy::{
    bench::{
        lists::GROWTH_MAX,
        pairs::{self, Dimension, LARGE, QUESTIONS, Question, SIZES},
    },
    host::Module,
    meter::{self, Cost, Meter},
};

/// Most memory of the module that any request may take, in bytes (this policy's contract, section 11).
const MEMORY_MAX: u64 = 64 << 20;

/// Longest answer, in bytes.
const ANSWER_MAX: usize = 3_000_000;

/// Most instructions of any request. 900 million took 73 ms on two shared cores; a tenth of the PolicyServer's evaluation limit is 200 ms.
const INSTRUCTIONS_MAX: u64 = 1_200_000_000;

/// What a pair of dimensions costs.
struct Found {
    question: Question,
    pair: [&'static Dimension; 2],
    growth: f64,
    large: u64,
    memory: u64,
    answer: usize,
    time: Duration,
}

/// How many of the pairs are counted at their largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceilings {
    /// Those that cost most where growth is counted.
    Steepest(usize),
    /// All of them: an hour.
    All,
}

/// Counts every pair, and says which cost too much.
///
/// # Errors
/// The module traps on one.
pub fn run(policy: &Path, ceilings: Ceilings) -> Result<Vec<String>> {
    let (meter, module) = (Meter::from_bytes(&std::fs::read(policy)?)?, Module::from_file(policy)?);
    let jobs: Vec<(Question, [&Dimension; 2])> =
        QUESTIONS.into_iter().flat_map(|question| pairs::all().map(move |pair| (question, pair))).collect();
    let mut found = in_parallel(&jobs, |(question, pair)| growth(&meter, *question, *pair))?;
    found.sort_by_key(|found| std::cmp::Reverse(found.large));
    let number = match ceilings {
        Ceilings::Steepest(number) => number.min(found.len()),
        Ceilings::All => found.len(),
    };
    let largest: Vec<(Question, [&Dimension; 2])> =
        found.iter().take(number).map(|found| (found.question, found.pair)).collect();
    let counted = in_parallel(&largest, |(question, pair)| at_largest(&meter, &module, *question, *pair))?;
    for (found, (cost, time)) in found.iter_mut().zip(counted) {
        found.time = time;
        found.large = cost.instructions;
        found.memory = cost.memory;
        found.answer = cost.answer.map_or(0, |answer| answer.len());
    }
    let (counted, _) = found.split_at(number);
    let mut wrong: Vec<String> = found.iter().filter_map(Found::too_steep).collect();
    wrong.extend(counted.iter().flat_map(Found::too_much));
    summary(&found, counted);
    Ok(wrong)
}

/// How the cost of a pair grows with its size.
fn growth(meter: &Meter, question: Question, pair: [&'static Dimension; 2]) -> Result<Found> {
    let mut costs = Vec::new();
    for bytes in SIZES {
        let case = pairs::case(question, pair, bytes);
        costs.push(count(meter, &case)?.instructions);
    }
    let [small, big] = SIZES;
    let [few, many] = costs[..] else { anyhow::bail!("two sizes") };
    #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
    let growth = (many as f64 / few as f64).powf(1.0 / (big as f64 / small as f64).log2());
    Ok(Found { question, pair, growth, large: many, memory: 0, answer: 0, time: Duration::ZERO })
}

/// What a pair costs at its largest, and the time that it takes in wasmtime.
fn at_largest(
    meter: &Meter,
    module: &Module,
    question: Question,
    pair: [&Dimension; 2],
) -> Result<(Cost, Duration)> {
    let mut bytes = LARGE;
    let case = loop {
        let case = pairs::case(question, pair, bytes);
        if case.payload.len() <= 4_000_000 {
            break case;
        }
        bytes = bytes * 9 / 10;
    };
    let cost = count(meter, &case)?;
    let instance = module.instance(std::sync::Arc::clone(&case.answers))?;
    let start = Instant::now();
    instance.call("validate", case.payload.as_bytes())?;
    Ok((cost, start.elapsed()))
}

impl Found {
    /// What is said if twice the bytes cost too much.
    fn too_steep(&self) -> Option<String> {
        let Self { growth, .. } = self;
        (*growth > GROWTH_MAX).then(|| format!("{}: twice the bytes cost {growth:.2} ×", self.name()))
    }

    /// What is said of each ceiling that is exceeded.
    fn too_much(&self) -> impl Iterator<Item = String> {
        let Self { large, memory, answer, .. } = self;
        let name = self.name();
        let instructions = (*large > INSTRUCTIONS_MAX)
            .then(|| format!("{name}: {large} instructions, at most {INSTRUCTIONS_MAX}"));
        let bytes =
            (*memory > MEMORY_MAX).then(|| format!("{name}: {memory} bytes of memory, at most {MEMORY_MAX}"));
        let long = (*answer > ANSWER_MAX)
            .then(|| format!("{name}: an answer of {answer} bytes, at most {ANSWER_MAX}"));
        [instructions, bytes, long].into_iter().flatten()
    }
}

impl Found {
    fn name(&self) -> String {
        let [one, other] = self.pair;
        format!("{:?}, {} × {}", self.question, one.name, other.name)
    }
}

fn summary(all: &[Found], counted: &[Found]) {
    let most = |what: &str, found: Option<&Found>, number: &dyn Fn(&Found) -> String| {
        if let Some(found) = found {
            anstream::println!("{what}: {} ({})", number(found), found.name());
        }
    };
    anstream::println!("{} pairs, {} of them at their largest", all.len(), counted.len());
    let growth = all.iter().max_by(|one, other| one.growth.total_cmp(&other.growth));
    most("most growth for twice the bytes", growth, &|found| format!("{:.2} ×", found.growth));
    most("most instructions", counted.iter().max_by_key(|found| found.large), &|found| {
        found.large.to_string()
    });
    most("most memory", counted.iter().max_by_key(|found| found.memory), &|found| found.memory.to_string());
    most("most time", counted.iter().max_by_key(|found| found.time), &|found| format!("{:?}", found.time));
    most("longest answer", counted.iter().max_by_key(|found| found.answer), &|found| {
        found.answer.to_string()
    });
}

fn count(meter: &Meter, case: &azwi_policy::bench::cases::Case) -> Result<Cost> {
    meter::once(meter, "validate", case.payload.as_bytes(), std::sync::Arc::clone(&case.answers))
}

/// The results of `job`, in the order of the jobs, by as many threads as there are cores.
fn in_parallel<J: Sync, T: Send>(jobs: &[J], job: impl Fn(&J) -> Result<T> + Sync) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        while let Some((index, task)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, jobs.get(at)?)))
        {
            let result = job(task)?;
            results.lock().map_err(|_| anyhow::anyhow!("a thread broke down"))?.push((index, result));
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a thread broke down"))?)
    })?;
    let mut results = results.into_inner().map_err(|_| anyhow::anyhow!("a thread broke down"))?;
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Bytes of the requests that the climb makes.
const CLIMB: usize = 100_000;

/// Looks for the request that costs most for its bytes, for so long: mixes of all dimensions, each changed a little and kept where it costs
/// more. Every few minutes it begins anew.
///
/// # Errors
/// The module traps on one.
pub fn climb(policy: &Path, time: Duration) -> Result<()> {
    let meter = Meter::from_bytes(&std::fs::read(policy)?)?;
    let start = Instant::now();
    let (mut random, mut tried) = (Random(0x9e37_79b9_7f4a_7c15), 0_u64);
    let mut worst: Vec<(u64, String)> = Vec::new();
    while start.elapsed() < time {
        let question = QUESTIONS.get(random.below(QUESTIONS.len())).copied().unwrap_or(Question::Pod);
        let mut weights: Vec<usize> = pairs::DIMENSIONS.iter().map(|_| random.below(4) / 3).collect();
        let (mut best, mut stuck) = (0, 0);
        while stuck < 150 && start.elapsed() < time {
            let mut next = weights.clone();
            for _ in 0..=random.below(2) {
                let index = random.below(next.len());
                if let Some(weight) = next.get_mut(index) {
                    *weight = if *weight > 0 && random.below(2) == 0 { 0 } else { 1 << random.below(7) };
                }
            }
            let case = pairs::mix(question, &next, CLIMB);
            let cost = count(&meter, &case)?;
            anyhow::ensure!(cost.memory <= MEMORY_MAX, "{} bytes of memory: {next:?}", cost.memory);
            let bytes = case.payload.len() + case.account.to_string().len();
            let per_byte = cost.instructions / bytes as u64;
            tried += 1;
            if per_byte > best {
                (best, weights, stuck) = (per_byte, next, 0);
            } else {
                stuck += 1;
            }
        }
        let of = pairs::DIMENSIONS.iter().zip(&weights).filter(|(_, weight)| **weight > 0);
        let of: Vec<String> = of.map(|(dimension, weight)| format!("{} {weight}", dimension.name)).collect();
        worst.push((best, format!("{question:?}: {}", of.join(", "))));
        worst.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
        worst.truncate(5);
    }
    anstream::println!("{tried} requests tried; most instructions for a byte:");
    for (cost, of) in worst {
        anstream::println!("{cost:>6}  {of}");
    }
    Ok(())
}

/// Numbers that look random, the same ones at every run (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap_or_default()
    }
}
