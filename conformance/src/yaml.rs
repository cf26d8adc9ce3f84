//! How manifests are read, against kubectl's own reader.

use std::path::Path;

use anyhow::{Result, ensure};
use azwi_policy::yaml;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::oracle::Oracle;

/// Documents that readers understand differently: scalars of YAML 1.1, merge keys, anchors, block scalars, names that are no texts.
const CORPUS: &str = include_str!("../yaml/corpus.txt");

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    json: Value,
    #[serde(default)]
    errors: Vec<String>,
}

/// Reads every document of the corpus, and of the manifests under `folders`, with both. Returns how many there were.
///
/// # Errors
/// A document that they read differently.
pub fn check(folders: &[&Path], program: &Path) -> Result<usize> {
    let mut texts: Vec<String> = CORPUS.split("\n----\n").map(str::to_owned).collect();
    for folder in folders {
        add(folder, &mut texts)?;
    }
    let mut kubernetes = Oracle::with_environment(program, [])?;
    let questions: Vec<Value> = texts.iter().map(|text| json!({"yaml": text})).collect();
    let answers: Vec<Read> = kubernetes.ask_json(&questions)?;
    let mut differ = 0;
    for (text, answer) in texts.iter().zip(&answers) {
        let ours = yaml::documents(text).into_iter().next().map(|document| document.content);
        let same = match &ours {
            Some(Ok(ours)) => answer.errors.is_empty() && numbers(ours) == numbers(&answer.json),
            None => answer.errors.is_empty() && answer.json.is_null(),
            Some(Err(_)) => !answer.errors.is_empty(),
        };
        if !same {
            differ += 1;
            println!("{text}\nhere {ours:?}\nkubectl {:?} {:?}", answer.json, answer.errors);
        }
    }
    ensure!(differ == 0, "{differ} documents are read differently");
    ensure!(texts.len() > 50, "only {} documents", texts.len());
    Ok(texts.len())
}

/// The documents of the manifests in a folder and its folders.
fn add(folder: &Path, texts: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(&path, texts)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            let text = std::fs::read_to_string(&path)?;
            texts.extend(text.split("\n---\n").map(str::to_owned));
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
