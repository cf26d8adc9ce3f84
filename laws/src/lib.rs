//! What the policy is tried on, generated pods, workloads and ServiceAccounts, and what must hold of every answer: for the laws, the
//! conformance driver and the fuzzer.
#![forbid(unsafe_code)]

pub mod draw;
pub mod hold;
pub mod pods;
pub mod requests;
pub mod sequences;
pub mod texts;
