//! What is wrong, but refuses nothing.

mod containers;
pub(crate) mod keys;
mod metadata;

pub(crate) use containers::of_containers;
pub(crate) use metadata::{of_client_id, of_label, of_metadata, of_retired_binding};
