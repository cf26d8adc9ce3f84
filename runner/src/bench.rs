//! What a policy costs: time, instructions, host calls and memory, case by case.

pub mod budgets;
pub mod cases;
pub mod files;
pub mod lists;
pub mod pairs;
pub mod plot;
pub mod table;
pub mod webhook;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    bench::cases::Case,
    host::Module,
    meter::{self, Meter},
};

/// A module in both forms: as the PolicyServer runs it, and with its instructions counted.
pub struct Subject {
    /// What the report calls it.
    pub name: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// How long it takes to compile.
    pub compile: Duration,
    module: Module,
    meter: Meter,
}

/// What one case costs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// The module's name.
    pub module: String,
    /// The case's name.
    pub case: &'static str,
    /// Median time of a call on a fresh instance, in microseconds.
    pub median_us: f64,
    /// 99th percentile of that.
    pub p99_us: f64,
    /// Wasm instructions of a call (wasmtime's fuel): the same at every run.
    pub instructions: u64,
    /// Bytes of the request's payload.
    pub bytes_in: usize,
    /// Bytes of the answer.
    pub bytes_out: usize,
    /// Look-ups.
    pub look_ups: usize,
    /// Log lines.
    pub log_lines: usize,
    /// The guest's memory after the call, in bytes.
    pub memory: u64,
}

impl Subject {
    /// Compiles a module.
    ///
    /// # Errors
    /// No such file, or no policy in it.
    pub fn from_file(path: &std::path::Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let start = Instant::now();
        let module = Module::from_bytes(&bytes)?;
        let compile = start.elapsed();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, bytes: bytes.len(), compile, module, meter: Meter::from_bytes(&bytes)? })
    }

    /// Median time to make an instance.
    ///
    /// # Errors
    /// It can't be made.
    pub fn instantiate(&self, times: usize) -> Result<Duration> {
        let mut all = Vec::with_capacity(times);
        for _ in 0..times {
            let start = Instant::now();
            let instance = self.module.instance(cases::no_look_up())?;
            all.push(start.elapsed());
            drop(instance);
        }
        Ok(percentile(&mut all, 50))
    }

    /// What can be counted of a case, without its time.
    ///
    /// # Errors
    /// The policy traps, or answers with an error.
    pub fn count(&self, case: &Case) -> Result<Figures> {
        let cost = meter::once(&self.meter, "validate", case.payload.as_bytes(), Arc::clone(&case.answers))
            .with_context(|| format!("{}, case {}", self.name, case.name))?;
        Ok(Figures {
            module: self.name.clone(),
            case: case.name,
            median_us: 0.0,
            p99_us: 0.0,
            instructions: cost.instructions,
            bytes_in: case.payload.len(),
            bytes_out: cost.answer.map_or(0, |answer| answer.len()),
            look_ups: cost.calls.look_ups.len(),
            log_lines: cost.calls.log.len(),
            memory: cost.memory,
        })
    }

    /// The time of one call, on a fresh instance as the PolicyServer makes one.
    ///
    /// # Errors
    /// The policy traps, or answers with an error.
    pub fn time(&self, case: &Case) -> Result<Duration> {
        let instance = self.module.instance(Arc::clone(&case.answers))?;
        let start = Instant::now();
        let answer = instance.call("validate", case.payload.as_bytes());
        let time = start.elapsed();
        answer?;
        Ok(time)
    }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let index = (times.len().saturating_sub(1)) * percent / 100;
    times.get(index).copied().unwrap_or_default()
}

/// Measures all cases with all modules, in turns, so that other load on the machine affects each of them alike.
///
/// # Errors
/// A policy traps, or answers with an error.
pub fn measure(subjects: &[Subject], cases: &[Case], calls: usize) -> Result<Vec<Figures>> {
    let mut all = Vec::new();
    for case in cases {
        // Large cases are given fewer calls.
        let calls = (calls * 4_096 / case.payload.len().max(4_096)).max(30);
        let mut times = vec![Vec::with_capacity(calls); subjects.len()];
        for _ in 0..calls {
            for (subject, times) in subjects.iter().zip(&mut times) {
                times.push(subject.time(case)?);
            }
        }
        for (subject, times) in subjects.iter().zip(&mut times) {
            let micros = |time: Duration| time.as_secs_f64() * 1e6;
            all.push(Figures {
                median_us: micros(percentile(times, 50)),
                p99_us: micros(percentile(times, 99)),
                ..subject.count(case)?
            });
        }
    }
    Ok(all)
}

/// Calls per second that `threads` threads make together, each call on an instance of its own.
///
/// # Errors
/// The policy traps, or answers with an error.
pub fn throughput(subject: &Subject, case: &Case, threads: usize, time: Duration) -> Result<f64> {
    let start = Instant::now();
    let calls = std::thread::scope(|scope| {
        let work = || -> Result<usize> {
            let mut calls = 0;
            while start.elapsed() < time {
                subject.time(case)?;
                calls += 1;
            }
            Ok(calls)
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_fold(0, |sum, worker| match worker.join() {
            Ok(calls) => Ok(sum + calls?),
            Err(_) => anyhow::bail!("a thread broke down"),
        })
    })?;
    Ok(f64::from(u32::try_from(calls)?) / start.elapsed().as_secs_f64())
}
