//! What the containers of a pod have of an identity, and what they lack.

pub(crate) mod conflicts;
pub(crate) mod containers;
pub(crate) mod evidence;
pub(crate) mod paths;
