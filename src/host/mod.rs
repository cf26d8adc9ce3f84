//! The only module that talks to the host. In: which ServiceAccount, and a verdict to log. Out: the ServiceAccount, or why it
//! could not be read. It decides nothing.

pub(crate) mod calls;
pub(crate) mod look_up;
