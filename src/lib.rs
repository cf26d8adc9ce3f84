//! A Kubewarden policy that gives pods their Azure workload identity.
//!
//! A request goes through the modules from top to bottom. A module uses only modules below it in this table:
//!
//! | module | in | out |
//! |---|---|---|
//! | [`admission`] | the payload's bytes | the verdict of the judge whose question it is |
//! | `judge` | the object, read | accepted, refused, or a plan written into the object |
//! | `decide` | settings, pod, ServiceAccount | a complete plan, or every reason against it |
//! | `settings` | the settings' JSON | [`Settings`], or every problem with its path |
//! | `feature` | what one setting switches on | a part of the plan |
//! | `host` | which ServiceAccount; what to log | the [`ServiceAccount`], or why it could not be read |
//! | `object` | an object's JSON | what it says about identity |
//! | `verdict` | mistakes and notices, as data | sentences, and the response's bytes |
//! | `fields` | an object of the settings | its fields, or every problem with its path |
//! | `json` | a text | a tree over that text, and a cursor that knows its path |
//! | `value` | a text | one value of the contract |
//! | `name_set` | names | a set or map of them, in time that grows with their number |
//! | `text` | a text from outside | the same, fit to stand in a message |
//! | `tally` | any number of findings | the first ones, and how many there are |
//!
//! ```text
//! payload bytes → question → facts → plan → write → verdict → response bytes
//! ```
//!
//! Of the Kubewarden SDK the policy uses, and does not use:
//!
//! | of the SDK | | why |
//! |---|---|---|
//! | `protocol_version_guest`, `SettingsValidationResponse`, `GetResourceRequest` | used | |
//! | `logging::KubewardenDrain`, with slog | used | one line a verdict, as every Kubewarden policy logs |
//! | `ValidationRequest` | not | its errors repeat the whole payload, and its objects are `serde_json::Value`s, which lose number forms and fields of one name |
//! | `host_capabilities::kubernetes::get_resource` | not | reads the answer into a type, and repeats it in its errors |
//! | `response::ValidationResponse` | not | would read the mutated object into a `serde_json::Value` first |
//! | mutation through the structs of k8s-openapi | not | drops fields that they do not know; the kinds' constants are used. `Volume` alone would be 200 KB |
//!
//! *Decide* and *write* are two steps: a plan is complete before its first write, so no half-changed pod can come out, and
//! writing can't fail. Only the two ends and the look-up in the middle touch the host; everything else is a function from
//! values to values. What is public here is what the runner, the tests and the fuzzers call.

#[forbid(unsafe_code)]
pub mod admission;
#[forbid(unsafe_code)]
mod decide;
#[forbid(unsafe_code)]
mod feature;
#[forbid(unsafe_code)]
mod fields;
#[forbid(unsafe_code)]
mod host;
#[forbid(unsafe_code)]
mod json;
#[forbid(unsafe_code)]
mod judge;
#[forbid(unsafe_code)]
mod name_set;
#[forbid(unsafe_code)]
mod object;
#[forbid(unsafe_code)]
mod settings;
#[forbid(unsafe_code)]
mod tally;
#[forbid(unsafe_code)]
mod text;
#[forbid(unsafe_code)]
mod value;
#[forbid(unsafe_code)]
mod verdict;

pub use feature::{allowed_identities::AllowedIdentity, identities::NamedIdentity};
pub use fields::Problem;
pub use host::look_up::{Freshness, LookUp};
pub use object::service_account::ServiceAccount;
pub use settings::{FIELDS as SETTINGS, Settings};
pub use tally::Tally;
pub use text::Untrusted;
pub use value::{layout::Place, names, reference::Reference};
pub use verdict::{
    facts::LookUpFailure,
    outcome::{LogEvent, LogLevel, Verdict},
};

use kubewarden_policy_sdk::{protocol_version_guest, settings::SettingsValidationResponse};
use wapc_guest::{CallResult, register_function};

/// Registers the policy's functions with the host: Kubewarden's three, and [`findings`], which Kubewarden never calls. The one exported symbol besides waPC's own.
#[allow(unsafe_code)]
// An exported symbol needs `no_mangle`, which counts as unsafe since edition 2024.
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("findings", findings);
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

/// Judges one admission request as [`validate`] does, logs nothing, and answers with the findings as data too: what the program, the page and the
/// tests take them from, so that none of them takes a sentence apart. See [`admission::examine`].
///
/// # Errors
/// As [`validate`].
pub fn findings(payload: &[u8]) -> CallResult {
    Ok(admission::examine(payload, &mut host::calls::look_up)?)
}

/// Judges the policy's settings; every problem is in the message, or what is worth knowing of settings that are valid.
///
/// # Errors
/// A payload that is not Unicode.
pub fn validate_settings(payload: &[u8]) -> CallResult {
    let text =
        std::str::from_utf8(payload).map_err(|error| format!("the settings are not Unicode: {error}"))?;
    let (valid, message) = match Settings::parse(text) {
        Ok(settings) => {
            let advice = settings.advice();
            (true, (!advice.is_empty()).then(|| fields::explain(&advice, 12_000)))
        }
        Err(problems) => (false, Some(fields::explain(&problems, 12_000))),
    };
    Ok(serde_json::to_vec(&SettingsValidationResponse { valid, message })?)
}
