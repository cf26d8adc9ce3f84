//! What a pod that is due an identity gets. In: the settings, the pod and its ServiceAccount. Out: a complete plan, or every
//! reason to refuse it, with warnings. Only the look-up in [`resolve`] asks the host. [`plan::apply`] writes a plan and decides nothing.
//!
//! From the top: [`resolve`], [`decision`], [`warnings`], [`plan`], [`pod_request`], [`identity`], [`container`], [`fragments`].

pub(crate) mod container;
pub(crate) mod decision;
pub(crate) mod fragments;
pub(crate) mod identity;
pub(crate) mod plan;
pub(crate) mod pod_request;
pub(crate) mod resolve;
pub(crate) mod warnings;
