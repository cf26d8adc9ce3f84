//! How manifests are read, against kubectl's own reader.

mod forms;

use std::path::Path;

use anyhow::{Result, ensure};
use check::yaml;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::oracle::Oracle;

/// Documents that readers understand differently: scalars of YAML 1.1, merge keys, anchors, block scalars, names that are no texts.
const CORPUS: &str = include_str!("../../yaml/corpus.txt");

/// What kubectl reads and drops, or reads in a way that loses a part: it is refused here, or read whole.
const KNOWN: &[&str] = &["{a}", "[]: a", "[? a : b]: b", "{? a : b}: b", "a: b\n\u{feff}"];

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    documents: Vec<Theirs>,
}

/// A document, or why it can't be read.
#[derive(Deserialize)]
struct Theirs {
    #[serde(default)]
    json: Value,
    #[serde(default)]
    error: Option<String>,
}

/// Reads every document of the corpus, and of the manifests under `folders`, with both: what kubectl reads must be read the same, and what it
/// refuses must be refused, with its line. Returns how many there were.
///
/// # Errors
/// A document that they read differently.
pub fn check(folders: &[&Path], program: &Path) -> Result<usize> {
    let mut texts: Vec<String> = CORPUS.split("\n----\n").map(str::to_owned).collect();
    texts.extend(forms::all());
    for folder in folders {
        add(folder, &mut texts)?;
    }
    texts.sort();
    texts.dedup();
    let mut kubernetes = Oracle::with_environment(program, [])?;
    let questions: Vec<Value> = texts.iter().map(|text| json!({"yaml": text})).collect();
    let answers: Vec<Read> = kubernetes.ask_json(&questions)?;
    let (mut number, mut differ) = (0, 0);
    for (text, answer) in texts.iter().zip(&answers) {
        let ours: Vec<_> = yaml::documents(text).into_iter().map(|document| document.content).collect();
        // A document of nothing is none.
        let ours: Vec<_> =
            ours.iter().filter(|one| !matches!(one, Ok((value, _)) if value.is_null())).collect();
        number += answer.documents.len();
        let lines = text.lines().count().max(1);
        // kubectl ends at what is no JSON and no YAML either.
        let has_ended = answer.documents.last().is_some_and(|last| last.error.is_some());
        let same = (ours.len() == answer.documents.len()
            || (has_ended && ours.len() > answer.documents.len()))
            && ours.iter().zip(&answer.documents).all(|(ours, theirs)| match ours {
                Ok((value, _)) => theirs.error.is_none() && numbers(value) == numbers(&theirs.json),
                Err(problem) => theirs.error.is_some() && (1..=lines + 1).contains(&problem.mark.line),
            });
        if same == KNOWN.contains(&text.as_str()) {
            differ += 1;
            let theirs =
                answer.documents.iter().map(|one| one.error.clone().unwrap_or_else(|| one.json.to_string()));
            println!("{text:?}\n  here    {ours:?}\n  kubectl {:?}", theirs.collect::<Vec<_>>());
        }
    }
    ensure!(differ == 0, "{differ} texts are read differently");
    ensure!(number > 1500, "only {number} documents");
    Ok(number)
}

/// The documents of the manifests in a folder and its folders.
fn add(folder: &Path, texts: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(&path, texts)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            let text = std::fs::read_to_string(&path)?;
            texts.push(text);
        }
    }
    Ok(())
}

/// The same with every number as a float: 1.0 and 1 are the same to both.
fn numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(numbers).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), numbers(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}
