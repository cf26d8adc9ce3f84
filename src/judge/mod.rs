//! One file a question. In: the object of the request, read, and the settings. Out: the verdict. Routing stays in
//! [`crate::admission`], and a judge writes nothing itself: it has plans written by [`crate::decide`].

pub mod debug_containers;
pub mod service_account;
pub mod workload;
