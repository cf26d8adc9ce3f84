//! The azure-workload-identity webhook as the measure of this policy: generated pods, what the webhook makes of them,
//! and the list of what is different on purpose.
#![forbid(unsafe_code)]

pub mod compare;
pub mod conditions;
pub mod configurations;
pub mod deviations;
pub mod fallback;
pub mod fixed;
pub mod oracle;
pub mod passes;
pub mod picture;
pub mod recording;
pub mod seeds;
pub mod summary;
pub mod tally;
pub mod validity;
pub mod yaml;
