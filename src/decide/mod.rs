//! What a pod that is due an identity gets. In: the settings, the pod and its ServiceAccount. Out: a complete plan, or every
//! reason to refuse it, with warnings. Only the look-up in [`due`] asks the host; [`inject`] writes a plan and decides nothing.

pub(crate) mod conflicts;
pub(crate) mod container_identities;
pub(crate) mod containers;
pub(crate) mod decision;
pub(crate) mod due;
pub(crate) mod evidence;
pub(crate) mod fill;
pub(crate) mod fragments;
pub(crate) mod holdings;
pub(crate) mod identity;
pub(crate) mod inject;
pub(crate) mod keys;
pub(crate) mod own;
pub(crate) mod own_ids;
pub(crate) mod paths;
pub(crate) mod plan;
pub(crate) mod variables;
pub(crate) mod warnings;
