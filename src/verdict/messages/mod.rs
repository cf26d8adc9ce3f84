//! Every sentence that the policy says to a person, in three files.

mod fix;
mod mistake;
pub(super) mod notice;
