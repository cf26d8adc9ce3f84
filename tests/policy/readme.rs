//! What the README says is what the code does.
use crate::common::*;
use std::process::Command;

#[test]
fn is_read_in_a_few_minutes() {
    let words = file("README.md").split_whitespace().count();
    assert!(words <= 900, "{words} words");
}

#[test]
fn shows_what_make_run_prints() {
    let root = ROOT;
    let runner = std::path::Path::new(root).join("target/host/azwi-policy");
    let at = |file: &str| format!("examples/walkthrough/{file}.yaml");
    let output = Command::new(runner)
        .current_dir(root)
        .args(["check", "--settings", &at("settings"), &at("serviceaccount"), &at("pod")])
        .output()
        .expect("target/host/azwi-policy: build it with `make`");
    assert!(output.status.success());
    assert_eq!(
        blocks(&file("README.md"), "text")[0].trim_end(),
        String::from_utf8(output.stdout).unwrap().trim_end()
    );
}

#[test]
fn shows_the_message_that_a_missing_tenant_gives() {
    let (message, _) = refused(&serde_json::json!({}), &yada(|_| ()), holding(&yada_account()));
    assert_eq!(blocks(&file("README.md"), "text")[1].trim_end(), message);
}

#[test]
fn pictures_what_make_run_prints() {
    let root = ROOT;
    let at = |file: &str| format!("examples/walkthrough/{file}.yaml");
    let output = Command::new(std::path::Path::new(root).join("target/host/azwi-policy"))
        .current_dir(root)
        .env("CLICOLOR_FORCE", "1")
        .args(["check", "--settings", &at("settings"), &at("serviceaccount"), &at("pod")])
        .output()
        .unwrap();
    let picture = conformance::picture::svg("make run", &String::from_utf8(output.stdout).unwrap());
    assert!(picture == file("docs/run.svg"), "docs/run.svg is of another time: make docs/run.svg");
}
