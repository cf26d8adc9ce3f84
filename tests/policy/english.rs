//! Words that make the project's texts sound translated, and programs that take the policy's sentences apart: neither comes back.

use crate::common::{ROOT, file};
use std::path::{Path, PathBuf};

/// Each habit as it stands in a line, and what to write.
const HABITS: [(&str, &str); 16] = [
    ("nobody", "the noun: \"no container\", \"unused\""),
    ("whoever", "\"users who\", \"a reader\""),
    ("somebody", "the noun: \"another mutator\""),
    ("that is none", "\"invalid\", \"malformed\""),
    ("and is none", "\"unrecognized\""),
    ("what it is that", "a noun"),
    ("came of", "\"the result\""),
    ("comes of", "\"the result\""),
    ("mended", "\"fixed\""),
    ("let through", "\"admitted\""),
    ("lets through", "\"admits\""),
    ("client id", "\"client ID\""),
    ("tenant id", "\"tenant ID\""),
    (" is no list", "\"is not a list\""),
    (" is no object", "\"is not an object\""),
    (" cure", "\"fix\""),
];

/// What is written by people: all but what is generated, vendored or recorded.
fn texts() -> Vec<PathBuf> {
    let folders = [
        "src",
        "runner/src",
        "laws/src",
        "conformance/src",
        "tests/policy",
        "docs",
        "examples",
        "deploy",
        "playground/src",
        "hack",
    ];
    let mut all: Vec<PathBuf> =
        ["README.md", "SECURITY.md", "CONTRIBUTING.md", "Makefile", "e2e.bats", "playground/index.html"]
            .map(PathBuf::from)
            .into();
    let mut left: Vec<PathBuf> = folders.map(PathBuf::from).into();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(Path::new(ROOT).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let known = path
                .extension()
                .and_then(|ext| ext.to_str())
                .is_none_or(|ext| ["rs", "md", "yaml", "ts", "sh", "py", "html", "jq"].contains(&ext));
            if entry.file_type().unwrap().is_dir() {
                left.push(path);
            } else if known && !path.ends_with("english.rs") {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

/// A habit, as a word of its own: not a part of a name such as the rule `skips-nobody`.
fn has(line: &str, habit: &str) -> bool {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !"-_".contains(c));
    line.match_indices(habit).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        (habit.starts_with(' ') || apart(before)) && apart(line[at + habit.len()..].chars().next())
    })
}

#[test]
fn no_text_has_a_habit_of_a_translation() {
    let mut found = Vec::new();
    for path in texts() {
        for (number, line) in file(path.to_str().unwrap()).lines().enumerate() {
            for (habit, instead) in HABITS.iter().filter(|(habit, _)| has(line, habit)) {
                found.push(format!("{}:{}: \"{habit}\": write {instead}", path.display(), number + 1));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_message_ends_in_what_was_expected() {
    for entry in std::fs::read_dir(Path::new(ROOT).join("src/verdict/snapshots")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(", expected"), "{text}");
    }
    assert!(!file("docs/troubleshooting.md").contains(", expected"));
}

/// The texts between the placeholders of the string literals of a Rust file, before its tests.
fn sentences(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> =
        before_tests.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = lines.join("\n").replace("\\\"", "\u{1}");
    let literals = code.split('"').skip(1).step_by(2);
    let parts = literals
        .flat_map(|literal| literal.split(['{', '}']).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    parts
        .map(|part| part.replace('\u{1}', "\\\""))
        .filter(|part| part.len() >= 24 && !part.contains('\n') && part.trim().contains(' '))
        .collect()
}

#[test]
fn no_program_takes_a_sentence_of_the_policy_apart() {
    let root = Path::new(ROOT);
    let files = ["mistake.rs", "notice.rs", "notice_labels.rs", "fix.rs"];
    let sentences: Vec<String> =
        files.iter().flat_map(|file| sentences(&root.join("src/verdict").join(file))).collect();
    assert!(sentences.len() > 60, "{}", sentences.len());
    let programs = texts().into_iter().filter(|path| {
        ["runner/src", "laws/src", "conformance/src", "playground/src", "hack"]
            .iter()
            .any(|module| path.starts_with(module))
    });
    for path in programs {
        let text = file(path.to_str().unwrap());
        let found: Vec<&String> =
            sentences.iter().filter(|sentence| text.contains(sentence.as_str())).collect();
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}
