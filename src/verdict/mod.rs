//! What the policy answers. In: mistakes and notices as data, the object as it shall be. Out: the response's bytes. Every
//! sentence stands in [`messages`]; nothing here decides what is a mistake.

pub(crate) mod description;
pub(crate) mod facts;
pub(crate) mod finding;
pub(crate) mod fix;
pub(crate) mod mistake;
pub(crate) mod notice;
mod notice_labels;
pub(crate) mod outcome;
pub(crate) mod refusal;
pub(crate) mod response;
pub(crate) mod spot;
pub(crate) mod title;
pub(crate) mod warning;

#[cfg(test)]
mod examples;
