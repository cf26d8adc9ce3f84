//! Which identity each container has: its ServiceAccount's, another one by annotation, or its own by variables.

pub(crate) mod container_annotation;
pub(crate) mod container_env;
pub(crate) mod holdings;
pub(crate) mod identities;
pub(crate) mod service_account;
