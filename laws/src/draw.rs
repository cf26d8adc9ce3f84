//! Values drawn from a strategy: the same ones for the same seed, and the smallest one that still fails.

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// Trees of `strategy`, the same ones for the same seed.
pub fn trees<S: Strategy>(strategy: &S, seed: u64, number: usize) -> Vec<S::Tree> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    (0..number).filter_map(|_| strategy.new_tree(&mut runner).ok()).collect()
}

/// Cases of `strategy`, the same ones for the same seed.
pub fn cases<S: Strategy>(strategy: &S, seed: u64, number: usize) -> Vec<S::Value> {
    trees(strategy, seed, number).iter().map(ValueTree::current).collect()
}

/// The smallest value that proptest finds and that still fails.
pub fn smallest<T: ValueTree>(mut tree: T, mut fails: impl FnMut(&T::Value) -> bool) -> T::Value {
    let mut best = tree.current();
    let mut more = tree.simplify();
    while more {
        let value = tree.current();
        if fails(&value) {
            best = value;
            more = tree.simplify();
        } else {
            more = tree.complicate();
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pods::{Case, case};

    #[test]
    fn makes_the_same_cases_for_the_same_seed_and_smaller_ones_that_still_fail() {
        assert_eq!(cases(&case(), 7, 3), cases(&case(), 7, 3));
        assert_ne!(cases(&case(), 7, 3), cases(&case(), 8, 3));
        let has = |case: &Case| case.request.to_string().contains("/var/run/secrets/azure/tokens");
        let tree = trees(&case(), 7, 200).into_iter().find(|tree| has(&tree.current())).unwrap();
        let before = tree.current().request.to_string().len();
        let smallest = smallest(tree, has);
        assert!(has(&smallest) && smallest.request.to_string().len() < before.min(1_000), "{smallest:?}");
    }
}
