//! JSON that comes out as it went in, and a cursor over it that knows its path.
//!
//! Only the objects and lists that the policy looks into become a tree; everything else stays the very text that
//! came, so that unknown fields, nulls and number forms can't change. Which ones those are is said by a [`Shape`].

pub(crate) use cursor::{Cursor, Malformed};
pub(crate) use read::{FIELDS, ITEMS, Shape, check, text_of};
pub(crate) use tree::{Json, json_string};

mod cursor;
pub(crate) mod fields;
mod read;
mod tree;
