//! One file a question. In: the object in question and the settings. Out: the verdict. A judge does not route, and changes an
//! object only by having a plan written.

pub(crate) mod debug_containers;
pub(crate) mod pod;
pub(crate) mod service_account;
pub(crate) mod workload;
