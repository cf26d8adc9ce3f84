//! The values of the contract, each read from a text by its one parser. In: a text. Out: the value, or nothing. They know no
//! Kubernetes object and write no message.

pub mod cloud;
pub mod identity;
pub mod names;
pub mod token;
pub mod use_label;
