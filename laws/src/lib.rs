//! What the policy is tried on: generated pods, workloads and ServiceAccounts, for the laws, the conformance driver and the fuzzer.
#![forbid(unsafe_code)]

pub mod draw;
pub mod pods;
