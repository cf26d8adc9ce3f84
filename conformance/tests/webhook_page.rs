//! The table of intended differences in docs/webhook.md is the list of deviations.
#![allow(clippy::unwrap_used)] // a test may fail

use conformance::deviations::DEVIATIONS;

#[test]
fn lists_every_deviation_and_no_other() {
    let page = include_str!("../../docs/webhook.md");
    let (_, section) = page.split_once("| this policy | why |\n|---|---|\n").unwrap();
    let (table, _) = section.split_once("\n\n").unwrap();
    let listed: Vec<String> = table.lines().map(str::to_owned).collect();
    let known: Vec<String> =
        DEVIATIONS.iter().map(|deviation| format!("| {} | {} |", deviation.name, deviation.reason)).collect();
    assert_eq!(listed, known);
}
