//! What files cost before the policy is asked and after it has answered: the engine of the page, whose instructions are counted, and the
//! program itself, whose time is measured.

use std::{fmt::Write, sync::Arc, time::Instant};

use anyhow::{Context, Result, bail};
use check::{
    judge::{Options, Plan},
    object::Manifests,
    policy::GetResource,
};
use serde_json::json;

use crate::{
    host::{Answers, Module, callback_failure},
    meter::{Instance, Meter},
};

/// Most that instructions may grow for twice the bytes: reading, asking and finishing are linear, with a logarithm for names in order.
const GROWTH_MAX: f64 = 2.2;

/// Most instructions of the page's engine for a byte: what a pod costs that is shown as it was and as it comes out.
const EACH_MAX: u64 = 8_000;

/// Least of YAML that is judged in a minute, in bytes, on one core.
const A_MINUTE: f64 = 100e6;

/// A file of so many of something, by its name.
type Shape = (&'static str, fn(usize) -> String);

/// What is repeated in a file.
const SHAPES: [Shape; 5] = [
    ("variables", variables),
    ("documents", documents),
    ("pods of one account", pods),
    ("annotations", annotations),
    ("names that are there twice", twice),
];

const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n  labels: {azure.workload.identity/use: \"true\"}\n  annotations: {azure.workload.identity/client-id: 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa}\n";

/// `number` lines, each with its number.
fn lines(number: usize, line: impl Fn(usize) -> String) -> String {
    (0..number).fold(String::new(), |mut text, index| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{}", line(index));
        text
    })
}

fn variables(number: usize) -> String {
    let env =
        lines(number, |index| format!("    - name: VARIABLE_{index}\n      value: \"some value, {index}\""));
    format!(
        "{ACCOUNT}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  serviceAccountName: web\n  containers:\n  - name: a\n    image: x\n    env:\n{env}"
    )
}

fn documents(number: usize) -> String {
    lines(number, |index| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{index}}}\ndata:\n  some: text that is not looked at"
        )
    })
}

fn pods(number: usize) -> String {
    let pods = lines(number / 8, |index| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{index}}}\nspec: {{serviceAccountName: missing, containers: [{{name: a, image: x}}]}}"
        )
    });
    format!("{ACCOUNT}{pods}")
}

fn annotations(number: usize) -> String {
    let names = lines(number, |index| format!("    example.org/name-{index}: \"some value, {index}\""));
    format!("apiVersion: example.org/v1\nkind: Other\nmetadata:\n  name: x\n  annotations:\n{names}")
}

fn twice(number: usize) -> String {
    let names = lines(number, |index| format!("  name-{}: \"some value\"", index / 2));
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata:\n{names}")
}

/// What is over its limit; time counts where it is measured. The figures go to standard output.
///
/// # Errors
/// A module that can't be run.
pub fn run(engine: &[u8], policy: &[u8], is_timed: bool) -> Result<Vec<String>> {
    let meter = Meter::from_bytes(engine).context("the engine")?;
    let module = Module::from_bytes(policy)?;
    let mut over = Vec::new();
    for (name, shape) in SHAPES {
        let (small, large) = (shape(2_000), shape(4_000));
        let [before, after] = [&small, &large].map(|text| judged(&meter, &module, text));
        let (before, after) = (before?, after?);
        #[allow(clippy::cast_precision_loss)] // far below 2^52
        let growth = after as f64 / before as f64 * small.len() as f64 / large.len() as f64 * 2.0;
        let each = after / large.len() as u64;
        anstream::println!("{name}: {each} instructions a byte, {growth:.2} times for twice the bytes");
        if each > EACH_MAX {
            over.push(format!("{name}: {each} instructions a byte, at most {EACH_MAX}"));
        }
        if growth > GROWTH_MAX {
            over.push(format!(
                "{name}: instructions grow by {growth:.2} for twice the bytes, at most {GROWTH_MAX}"
            ));
        }
    }
    if !is_timed {
        return Ok(over);
    }
    let text = documents(30_000) + &variables(30_000);
    let start = Instant::now();
    drop(check::accept::finish(plan(&text)?, Vec::new()));
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    let a_minute = text.len() as f64 / start.elapsed().as_secs_f64() * 60.0;
    anstream::println!("{:.0} MB of YAML a minute, without the policy", a_minute / 1e6);
    if a_minute < A_MINUTE {
        over.push(format!("{:.0} MB of YAML a minute, at least {:.0}", a_minute / 1e6, A_MINUTE / 1e6));
    }
    Ok(over)
}

fn plan(text: &str) -> Result<Plan> {
    let mut manifests = Manifests::default();
    manifests.add("bench.yaml", text);
    if manifests.objects.is_empty() {
        bail!("nothing was read");
    }
    Ok(Plan::new(manifests, json!({}), Options { namespace: "default".to_owned(), ..Options::default() }))
}

/// The engine's instructions for a whole run, without the policy's own.
fn judged(meter: &Meter, module: &Module, text: &str) -> Result<u64> {
    let mut engine = meter.instance(Arc::new(|_: &GetResource| Err(callback_failure("no cluster"))))?;
    let settings = json!({"tenantId": "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1"});
    let asked = json!({"manifests": text, "settings": settings, "namespace": "default"});
    let (begun, mut instructions) = call(&mut engine, "begin", asked.to_string().as_bytes())?;
    let begun: serde_json::Value = serde_json::from_slice(&begun)?;
    // The policy's look-ups go to a plan of this program's: its answers are the engine's.
    let plan = Arc::new(plan(text)?);
    let answers: Answers = {
        let plan = Arc::clone(&plan);
        Arc::new(move |request: &GetResource| {
            plan.look_up(request).unwrap_or_else(|| Err(callback_failure("no cluster")))
        })
    };
    for index in 0..begun.get("questions").and_then(serde_json::Value::as_u64).unwrap_or_default() {
        let (payload, asking) = call(&mut engine, "question", index.to_string().as_bytes())?;
        let answer = module.ask(&String::from_utf8(payload)?, &answers)?;
        for look_up in &answer.look_ups {
            // What it finds and what it does not: both are answers.
            instructions += engine.call("look_up", &serde_json::to_vec(look_up)?)?.instructions;
        }
        let (_, answering) = call(&mut engine, "answer", &serde_json::to_vec(&answer)?)?;
        instructions += asking + answering;
    }
    let (_, finishing) = call(&mut engine, "finish", b"")?;
    Ok(instructions + finishing)
}

fn call(engine: &mut Instance, operation: &str, payload: &[u8]) -> Result<(Vec<u8>, u64)> {
    let cost = engine.call(operation, payload)?;
    match cost.answer {
        Ok(answer) => Ok((answer, cost.instructions)),
        Err(error) => bail!("{operation}: {error}"),
    }
}
