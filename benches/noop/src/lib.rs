//! The floor: a policy that reads the request with the SDK, as every policy does, and accepts it.

use kubewarden_policy_sdk::{
    accept_request, protocol_version_guest, request::ValidationRequest, settings::Validatable,
    validate_settings,
};
use serde::{Deserialize, Serialize};
use wapc_guest::{CallResult, register_function};

/// Any settings will do.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Settings {}

impl Validatable for Settings {
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Registers the policy's functions with the host.
#[allow(unsafe_code)] // An exported symbol needs `no_mangle`, which counts as unsafe since edition 2024.
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings::<Settings>);
    register_function("protocol_version", protocol_version_guest);
}

fn validate(payload: &[u8]) -> CallResult {
    let _request: ValidationRequest<Settings> = ValidationRequest::new(payload)?;
    accept_request()
}
