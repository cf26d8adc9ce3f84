//! The crate `check` for the page in the browser. The page asks the policy's own module: it takes one question after another from here,
//! and brings the answers back. A look-up that the policy makes in between is answered here, too.
//!
//! | function | in | out |
//! |---|---|---|
//! | `read` | a text | its documents: each a value, or why it can't be read |
//! | `settings` | a text, and findings about it | the settings in it, and where each finding stands |
//! | `begin` | what the page asks | how many questions there are for the policy |
//! | `question` | its number | the payload for the policy's function `findings` |
//! | `look_up` | what the policy asks its host | the ServiceAccount, or the host's error |
//! | `answer`, `failed` | what the policy said, or why it said nothing | |
//! | `finish` | | everything that the page shows |

#[forbid(unsafe_code)]
mod page;
#[forbid(unsafe_code)]
mod text;

use std::{cell::RefCell, error::Error};

use check::{
    accounts::Elsewhere,
    judge::{Options, Plan},
    object::Manifests,
    policy::{Examination, GetResource},
};
use serde::Deserialize;
use serde_json::{Value, json};
use wapc_guest::register_function;

/// What wapc takes for the result of a function.
type Outcome = Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

#[allow(unsafe_code)]
// An exported symbol needs `no_mangle`, which counts as unsafe since edition 2024.
/// Registers the functions of the table above.
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("read", read);
    register_function("settings", settings);
    register_function("begin", begin);
    register_function("question", question);
    register_function("look_up", look_up);
    register_function("answer", answer);
    register_function("failed", failed);
    register_function("finish", finish);
}

/// What the page asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    manifests: String,
    settings: Value,
    namespace: String,
    /// The error of every look-up.
    #[serde(default)]
    failure: Option<String>,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    credentials: String,
}

/// A run, between its questions and its end.
struct Run {
    asked: Asked,
    plan: Plan,
    answers: Vec<Examination>,
    /// What the question that is open has looked up.
    look_ups: Vec<GetResource>,
}

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

fn with_run<T>(
    then: impl FnOnce(&mut Run) -> Result<T, Box<dyn Error + Send + Sync>>,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    RUN.with_borrow_mut(|run| then(run.as_mut().ok_or("nothing was begun")?))
}

fn read(payload: &[u8]) -> Outcome {
    Ok(text::read(std::str::from_utf8(payload)?).to_string().into_bytes())
}

fn settings(payload: &[u8]) -> Outcome {
    let asked: text::Settings = serde_json::from_slice(payload)?;
    Ok(asked.read().to_string().into_bytes())
}

fn begin(payload: &[u8]) -> Outcome {
    let asked: Asked = serde_json::from_slice(payload)?;
    let mut manifests = Manifests::default();
    manifests.add(page::FILE, &asked.manifests);
    let options = Options {
        namespace: asked.namespace.clone(),
        issuer: Some(asked.issuer.clone()).filter(|issuer| !issuer.is_empty()),
        elsewhere: asked.failure.clone().map_or(Elsewhere::Nothing, Elsewhere::Failure),
        give: "add its manifest".to_owned(),
    };
    let plan = Plan::new(manifests, asked.settings.clone(), options);
    let questions = plan.len();
    RUN.set(Some(Run { asked, plan, answers: Vec::new(), look_ups: Vec::new() }));
    Ok(json!({"questions": questions}).to_string().into_bytes())
}

fn question(payload: &[u8]) -> Outcome {
    let index: usize = std::str::from_utf8(payload)?.parse()?;
    with_run(|run| {
        run.look_ups.clear();
        Ok(run.plan.payload(index).ok_or("there is no such question")?.into_bytes())
    })
}

fn look_up(payload: &[u8]) -> Outcome {
    let request: GetResource = serde_json::from_slice(payload)?;
    with_run(|run| {
        let answer = run.plan.look_up(&request).ok_or("there is no cluster here")?;
        run.look_ups.push(request);
        Ok(answer?)
    })
}

fn answer(payload: &[u8]) -> Outcome {
    let examination: Examination = serde_json::from_slice(payload)?;
    with_run(|run| {
        let look_ups = std::mem::take(&mut run.look_ups);
        run.answers.push(Examination { look_ups, ..examination });
        Ok(Vec::new())
    })
}

fn failed(payload: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(payload).into_owned();
    with_run(|run| {
        run.answers.push(Examination::failed(&text));
        Ok(Vec::new())
    })
}

fn finish(_payload: &[u8]) -> Outcome {
    let run = RUN.take().ok_or("nothing was begun")?;
    let judged = check::accept::finish(run.plan, run.answers);
    Ok(page::shown(&judged, &run.asked).to_string().into_bytes())
}
