//! Any payload, and any answer of the host: `{"request": …, "settings": …, "account": …}`.
#![no_main]

use azure_workload_identity_policy_fuzz::{judge, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| judge(data));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});
