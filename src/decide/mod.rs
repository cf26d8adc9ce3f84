//! What a pod that is due an identity gets. In: the settings, the pod and its ServiceAccount. Out: a complete plan, or every
//! reason to refuse it, with warnings. Only the look-up in [`due`] asks the host; [`inject`] writes a plan and decides nothing.

pub mod containers;
pub mod decision;
pub mod due;
pub mod fragments;
pub mod identity;
pub mod inject;
pub mod mounts;
pub mod plan;
pub mod warnings;
