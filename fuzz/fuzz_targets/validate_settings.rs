//! Any settings: accepted, or refused with a text.
#![no_main]

use azure_workload_identity_policy::validate_settings;
use azure_workload_identity_policy_fuzz::mutate;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(answer) = validate_settings(data) else {
        assert!(std::str::from_utf8(data).is_err());
        return;
    };
    let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
    let message = answer["message"].as_str().unwrap_or_default();
    assert!(answer["valid"] == true || !message.is_empty(), "{answer}");
    assert!(message.len() <= 16_384);
});
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});
