//! JSON that comes out as it went in, and a cursor over it that knows its path.
//!
//! Only the objects and lists that the policy looks into become a tree; everything else stays the very text that
//! came, so that unknown fields, nulls and number forms can't change. Which ones those are is said by a [`Shape`].

pub use cursor::{Cursor, Malformed};
pub use read::{FIELDS, ITEMS, Shape, check, text_of};
pub use tree::{Json, json_string};

mod cursor;
pub mod fields;
mod read;
mod tree;
