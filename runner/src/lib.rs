//! A local host for Kubewarden policies: it runs the module through the crates that Kubewarden's own evaluator is made
//! of, answers its host calls, and computes the JSON patch as the PolicyServer does.
#![forbid(unsafe_code)]

pub mod bench;
pub mod fallback;
pub mod host;
pub mod meter;
pub mod replay;
pub mod response;
