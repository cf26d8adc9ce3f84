//! All questions to the policy, on all cores.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Result, anyhow, bail};
use azwi_policy::host::{Answers, GetResource, Module};
use check::{judge::Plan, policy::Examination};
use indicatif::ProgressBar;

use super::cluster::Cluster;

/// From how many questions on they are asked at once: a thread takes as long to start as a question to be answered.
const AT_ONCE_FROM: usize = 8;

/// Asks all questions, on all cores.
pub fn ask(module: &Module, plan: &Arc<Plan>) -> Result<Vec<Examination>> {
    let cluster = Arc::new(Cluster::default());
    let answers: Answers = {
        let (plan, cluster) = (Arc::clone(plan), Arc::clone(&cluster));
        Arc::new(move |request: &GetResource| {
            plan.look_up(request).unwrap_or_else(|| cluster.answer(request))
        })
    };
    let number = plan.len();
    let progress = ProgressBar::new(number as u64);
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Examination)>> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(payload) = plan.payload(index) else { return Ok(done) };
            done.push((index, module.ask(&payload, &answers)?));
            progress.inc(1);
        }
    };
    let threads =
        if number < AT_ONCE_FROM { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    let parts: Vec<Result<Vec<(usize, Examination)>>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|_| Err(anyhow!("a thread ended early"))));
        [own].into_iter().chain(others).collect()
    });
    progress.finish_and_clear();
    if let Some(failure) = cluster.failure() {
        bail!("the cluster can't be asked, so nothing is judged: {failure}");
    }
    let mut all: Vec<(usize, Examination)> = Vec::with_capacity(number);
    for part in parts {
        all.extend(part?);
    }
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, answer)| answer).collect())
}
