//! What the API server sends, read into facts. In: JSON. Out: what a request, a pod, a ServiceAccount or a workload says about
//! identity, or the place that can not be understood. It looks nothing up and changes nothing.

pub mod annotations;
pub mod pod;
pub mod request;
pub mod service_account;
pub mod workload;
