//! YAML as kubectl reads and writes it.

mod read;
mod scalar;
mod write;

pub use read::{Document, NotYaml, decode, documents};
pub use write::write;
