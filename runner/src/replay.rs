//! Recorded host calls, in the format of `kwctl run --replay-host-capabilities-interactions`.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::host::{Answers, GetResource, callback_failure};

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Entry {
    Exchange { request: String, response: Response },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type")]
enum Response {
    Success { payload: String },
    Error { message: String },
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Request {
    KubernetesGetResource(GetResource),
}

/// Answers look-ups with what a file recorded: in its order, each once, and only if the request is the recorded one.
///
/// # Errors
/// No such file, or no recording in it.
pub fn from_file(path: &Path) -> Result<Answers> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    from_text(&text).with_context(|| format!("{} is not a recording of host calls", path.display()))
}

/// As [`from_file`], for its text.
///
/// # Errors
/// No recording.
pub fn from_text(text: &str) -> Result<Answers> {
    let entries: Vec<Entry> = yaml_serde::from_str(text)?;
    let mut exchanges = VecDeque::new();
    for Entry::Exchange { request, response } in entries {
        let Request::KubernetesGetResource(request) =
            yaml_serde::from_str(&request).context("a recorded request can't be read")?;
        exchanges.push_back((request, response));
    }
    let exchanges = Mutex::new(exchanges);
    Ok(Arc::new(move |request: &GetResource| {
        let next = exchanges.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let failure = |text: String| Err(callback_failure(&text));
        match next {
            None => failure("the list of recorded responses is empty".to_owned()),
            Some((expected, Response::Success { payload })) if expected == *request => {
                Ok(payload.into_bytes())
            }
            Some((expected, Response::Error { message })) if expected == *request => failure(message),
            Some((expected, _)) => failure(format!(
                "Replay error: unexpected request. Was expecting {expected:?}, got {request:?} instead"
            )),
        }
    }))
}
