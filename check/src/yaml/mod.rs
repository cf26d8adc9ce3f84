//! YAML as kubectl reads and writes it, and where everything in it stands.

mod parse;
mod read;
mod scalar;
mod split;
mod spot;
mod write;

pub use read::{Document, Doubt, documents};
pub use split::decode;
pub use spot::{Mark, NotYaml, Spot, Step, steps, value_at, walk, written};
pub use write::write;
