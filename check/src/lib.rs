//! What the policy makes of manifests: from the files' texts to what is said of them, in words and for machines.
//!
//! | module | in | out |
//! |---|---|---|
//! | [`yaml`] | a text | values, and where everything stands |
//! | [`object`] | the values of the files | Kubernetes' objects, and what can't be read |
//! | [`kinds`], [`pods`] | an object | what it is, and the pods that it would make |
//! | [`accounts`] | the objects | the answers to the policy's look-ups |
//! | [`question`], [`stray`] | the objects | the requests that the policy is asked about |
//! | [`policy`] | | what the policy answers |
//! | [`judge`], [`accept`] | the answers | an entry for each object; what was found, once each, and where it is |
//! | [`presented`] | an answer | the tokens that its pods present |
//! | [`operators`] | the objects | the tokens that operators present for them |
//! | [`credentials`] | a list's text | federated credentials |
//! | [`federated`], [`advice`], [`binding`] | the entries, and lists of credentials | whether Microsoft Entra will take the tokens, and what to do |
//! | [`clouds`] | the entries | tokens that go to another cloud than their issuer's |
//! | [`rules`] | the findings, and what the user wants of them | those that count |
//! | [`report`], [`output`] | all of it | the words, and the forms for machines |
//!
//! Nothing here reads a file, starts a process or asks for the time: the terminal program and the page in the browser do that, each in its
//! own way, and both ask the policy itself.
#![forbid(unsafe_code)]

pub mod accept;
pub mod accounts;
pub mod advice;
pub mod binding;
pub mod clouds;
pub mod credentials;
pub mod federated;
pub mod finding;
pub mod judge;
pub mod kinds;
pub mod object;
pub mod operators;
pub mod output;
pub mod pods;
pub mod policy;
pub mod presented;
pub mod question;
pub mod report;
pub mod rules;
mod severity;
pub mod stray;
pub mod yaml;
