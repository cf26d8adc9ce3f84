//! One file for each question. In: the object in question and the settings. Out: the verdict. A judge does not dispatch requests, and
//! changes an object only by having a plan written into it.

pub(crate) mod debug_containers;
pub(crate) mod pod;
pub(crate) mod service_account;
pub(crate) mod workload;
