//! What is wrong, but refuses nothing.

pub(crate) mod keys;
mod metadata;

pub(crate) use metadata::{of_label, of_metadata};
