//! What the API server sends, read into facts. In: JSON. Out: what a request, a pod, a ServiceAccount or a workload says about
//! identity, or the place that can not be understood. It looks nothing up and changes nothing.

pub(crate) mod annotations;
pub(crate) mod container;
pub(crate) mod metadata;
pub(crate) mod pod;
pub(crate) mod request;
pub(crate) mod service_account;
pub(crate) mod workload;
