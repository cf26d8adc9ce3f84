//! JSON that comes out as it went in. In: a text. Out: a tree over that text, and a cursor that knows its path. It knows nothing of Kubernetes.
//!
//! Only the objects and lists that the policy looks into become a tree, as a [`Shape`] tells; everything else stays the very text
//! that came (`serde_json::value::RawValue`, and a shape). A `serde_json::Value` would not do: it reads `1.0e2` as `100.0`,
//! 18446744073709551616 as a float, forgets the first of two equal names, and refuses a lone surrogate. `arbitrary_precision`
//! keeps numbers, but not the rest, and breaks derived untagged and flattened types in every crate of the program.

pub(crate) use cursor::{Cursor, Malformed, Unquoted};
pub(crate) use read::{FIELDS, ITEMS, Shape, Unreadable, check, text_of};
pub(crate) use tree::{Json, json_string};

mod cursor;
mod read;
mod tree;
