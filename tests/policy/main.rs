//! The policy from outside: through the module as a PolicyServer runs it, and natively where the two must agree. One program,
//! so that it is linked once; a file a topic.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines
)] // a test may fail, and a table is long

mod allowed_identities;
mod attack;
mod coexistence;
/// What the tests share.
mod common {
    pub use checks::*;
}
mod debug_containers;
mod docs;
mod edges;
mod engine;
mod english;
mod faults;
mod federated;
mod field;
mod fixes;
mod folder;
mod hostile;
mod identities;
mod injection;
mod kinds;
mod laws;
mod limits;
mod linter;
mod look_up;
mod malformed;
mod manifests;
mod messages;
mod module;
mod modules;
mod proof;
mod proxy;
mod readme;
mod refusals;
mod service_accounts;
mod stale_state;
mod surroundings;
mod token_endpoint;

mod warnings;
mod workloads;
