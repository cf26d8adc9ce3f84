//! A Kubewarden policy that gives pods their Azure workload identity.
//!
//! One request goes down one line, and a fields can follow it file by file:
//!
//! ```text
//! payload bytes → question → facts → plan → write → verdict → response bytes
//!                 question   pod     plan   inject  verdict
//!                            service_account
//! ```
//!
//! [`admission`] strings them together. Only [`host`] talks to the host; everything else is a function from values
//! to values.

pub mod admission;
pub mod decide;
pub mod feature;
pub mod host;
pub mod json;
pub mod judge;
pub mod object;
pub mod settings;
pub mod text;
pub mod value;
pub mod verdict;

use kubewarden_policy_sdk::{protocol_version_guest, settings::SettingsValidationResponse};
use wapc_guest::{CallResult, register_function};

/// Registers the policy's three functions with the host. The one exported symbol besides waPC's own.
#[allow(unsafe_code)] // An exported symbol needs `no_mangle`, which counts as unsafe since edition 2024.
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("protocol_version", protocol_version_guest);
}

/// Judges one admission request.
///
/// # Errors
/// A payload that is not the protocol's JSON at all: the host shows it as "internal server error".
pub fn validate(payload: &[u8]) -> CallResult {
    let verdict = admission::validate(payload, &mut host::calls::look_up)?;
    host::calls::log(&verdict);
    Ok(verdict.into_response())
}

/// Judges the policy's settings; every problem is in the message.
///
/// # Errors
/// A payload that is not Unicode.
pub fn validate_settings(payload: &[u8]) -> CallResult {
    let text =
        std::str::from_utf8(payload).map_err(|error| format!("the settings are not Unicode: {error}"))?;
    let message = settings::Settings::parse(text).err().map(|problems| json::fields::explain(&problems));
    Ok(serde_json::to_vec(&SettingsValidationResponse { valid: message.is_none(), message })?)
}
