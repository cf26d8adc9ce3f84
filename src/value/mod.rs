//! The values of the contract, each read from a text by its one parser. In: a text. Out: the value, or nothing. They know no
//! Kubernetes object and write no message.

pub(crate) mod cloud;
pub(crate) mod glob;
pub(crate) mod identity;
pub(crate) mod keys;
pub(crate) mod kind;
pub(crate) mod layout;
pub mod names;
pub(crate) mod parse;
pub(crate) mod port;
pub(crate) mod reference;
pub(crate) mod token;
pub(crate) mod use_label;
