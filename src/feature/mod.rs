//! What a setting switches on, one file each. In: the fields of the setting, later the pod. Out: what that adds to the plan,
//! or why it is refused. A feature knows no other feature.

pub(crate) mod allowed_identities;
pub(crate) mod identities;
pub(crate) mod proxy;
pub(crate) mod resources;
pub(crate) mod token_endpoint;
