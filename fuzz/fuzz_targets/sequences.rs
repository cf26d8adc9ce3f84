//! Sequences of requests as the laws try them, chosen and changed by the fuzzer.
#![no_main]

use azure_workload_identity_policy_fuzz::try_sequence;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| try_sequence(data));
