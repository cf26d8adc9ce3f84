//! The commands of `conformance`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Compares the policy with the azure-workload-identity webhook.
#[derive(Parser)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// The policy's module
    #[arg(long, global = true, default_value = "policy.wasm")]
    pub policy: PathBuf,
    /// Where the recordings are
    #[arg(long, global = true, default_value = "tests/recorded")]
    pub recorded: PathBuf,
}

#[derive(Subcommand)]
pub enum Command {
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
    /// Puts generated pods through the policy, and before and after through Kubernetes' own validation
    Valid {
        /// Kubernetes: pods as JSON lines in, errors as JSON lines out
        kubernetes: PathBuf,
        /// How many pods
        #[arg(long, default_value_t = 20_000)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 20_261_125)]
        seed: u64,
    },
    /// Evaluates the match conditions of deploy/base with the API server's own CEL
    Conditions {
        /// Kubernetes, as for `valid`
        kubernetes: PathBuf,
    },
    /// Puts generated pods through what `azwi-policy fallback` prints, with the API server's own CEL
    Fallback {
        /// Kubernetes, as for `valid`
        kubernetes: PathBuf,
        /// How many pods
        #[arg(long, default_value_t = 6_000)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 20_261_128)]
        seed: u64,
    },
    /// Reads manifests with kubectl's own reader, and compares
    Yaml {
        /// Kubernetes, as for `valid`
        kubernetes: PathBuf,
    },
    /// Puts generated pods through policies and webhooks in any order
    Passes {
        /// The webhook, as for `live`
        oracle: PathBuf,
        /// Kubernetes, as for `valid`
        #[arg(long)]
        kubernetes: Option<PathBuf>,
        /// How many pods, each with an order of its own
        #[arg(long, default_value_t = 4_000)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 20_261_126)]
        seed: u64,
    },
    /// Compares the policy with what was written down
    Recorded,
    /// Writes generated pods as seeds for the fuzzer
    Seeds {
        /// Where to
        folder: PathBuf,
        /// How many
        #[arg(long, default_value_t = 100)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 20_261_127)]
        seed: u64,
    },
    /// Writes generated pods and workloads, each with its `ServiceAccounts`, as files of YAML
    Manifests {
        /// Where to
        folder: PathBuf,
        /// How many
        #[arg(long, default_value_t = 500)]
        cases: usize,
        /// Where the generator starts
        #[arg(long, default_value_t = 20_261_129)]
        seed: u64,
    },
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
