//! No circle: a file never comes back to itself by way of what it uses, and a module of the policy uses only modules below it.

use crate::common::ROOT;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The modules of the policy from the top floor down, as `src/lib.rs` has them.
const FLOORS: [&str; 14] = [
    "admission",
    "judge",
    "decide",
    "settings",
    "feature",
    "host",
    "object",
    "verdict",
    "fields",
    "json",
    "value",
    "name_set",
    "text",
    "tally",
];

/// The modules of a crate: their path, as `json::cursor`, and their text without tests and comments.
type Modules = BTreeMap<String, String>;

/// Whom each module uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn modules(folder: &Path, prefix: &str, found: &mut Modules) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = if prefix.is_empty() { name.clone() } else { format!("{prefix}::{name}") };
        if path.is_dir() {
            modules(&path, &module, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = if name == "mod" { prefix.to_owned() } else { module };
            let text = std::fs::read_to_string(&path).unwrap();
            found.insert(module, without_tests_and_comments(&text));
        }
    }
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let (mut depth, mut item, mut items) = (0_i32, String::new(), Vec::new());
    for c in rest.rsplit_once('}').map_or(rest, |(inside, _)| inside).chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            items.push(std::mem::take(&mut item));
        } else {
            item.push(c);
        }
    }
    items.push(item);
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| expand(item)).map(|item| format!("{head}{item}")).collect()
}

/// The path that `text` begins with, with the braces that it ends in.
fn tree_at(text: &str) -> &str {
    let path = text.find(|c: char| !c.is_alphanumeric() && c != ':' && c != '_').unwrap_or(text.len());
    if !text[path..].starts_with('{') {
        return &text[..path];
    }
    let mut depth = 0_i32;
    let end = text[path..].find(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    end.map_or(text, |end| &text[..=path + end])
}

/// The paths in a module's text that begin with `crate::`, `super::`, or the name of its own crate or child.
fn paths(module: &str, text: &str, all: &Modules) -> Vec<String> {
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let is_module = |name: &str| all.contains_key(&format!("{module}::{name}"));
    let mut paths = Vec::new();
    for root in ["crate::", "super::", "azwi_policy::", "conformance::", "laws::"] {
        for (at, _) in text.match_indices(root) {
            let tree = tree_at(&text[at + root.len()..]);
            let start =
                if root == "super::" && !parent.is_empty() { format!("{parent}::") } else { String::new() };
            paths.extend(expand(tree).into_iter().map(|path| format!("{start}{path}")));
        }
    }
    for line in text.lines().map(str::trim_start) {
        if let Some((_, used)) = line.split_once("use ")
            && used.split("::").next().is_some_and(is_module)
        {
            paths.extend(
                expand(used.trim_end_matches(';')).into_iter().map(|path| format!("{module}::{path}")),
            );
        }
    }
    paths
}

/// The module that a path leads to: the longest one that there is.
fn target(path: &str, all: &Modules) -> Option<String> {
    let mut path = path;
    loop {
        if all.contains_key(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}

fn uses(all: &Modules) -> Uses {
    let used = |module: &str, text: &str| {
        let targets = paths(module, text, all).into_iter().filter_map(|path| target(&path, all));
        targets.filter(|target| target != module).collect()
    };
    all.iter().map(|(module, text)| (module.clone(), used(module, text))).collect()
}

/// Those who can come back to themselves.
fn circle(uses: &Uses) -> BTreeSet<String> {
    let reached = |start: &str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start.to_owned()]);
        while let Some(module) = next.pop() {
            for used in uses.get(&module).into_iter().flatten() {
                if seen.insert(used.clone()) {
                    next.push(used.clone());
                }
            }
        }
        seen
    };
    uses.keys().filter(|module| reached(module).contains(*module)).cloned().collect()
}

fn crate_at(folder: &str) -> Modules {
    let mut all = Modules::new();
    modules(&Path::new(ROOT).join(folder), "", &mut all);
    let only_for_tests: Vec<String> = all
        .iter()
        .filter_map(|(module, text)| {
            let (_, declared) = text.split_once("#[cfg(test)]\nmod ")?;
            Some(format!("{module}::{}", declared.split(';').next().unwrap()))
        })
        .collect();
    all.remove("");
    all.retain(|module, _| !only_for_tests.contains(module));
    all
}

#[test]
fn no_file_depends_on_itself_through_other_files() {
    for (folder, least) in [("src", 40), ("runner/src", 5), ("conformance/src", 5), ("laws/src", 3)] {
        let mut all = crate_at(folder);
        // The entry points import everything, and nothing imports them.
        all.retain(|module, _| module != "lib" && module != "main");
        // A reader that finds nothing would find no circle either.
        let found = uses(&all).values().map(BTreeSet::len).sum::<usize>();
        assert!(all.len() > least && found >= least, "{folder}: {} files, {found} uses", all.len());
        assert_eq!(circle(&uses(&all)), BTreeSet::new(), "a circle in {folder}");
    }
}

#[test]
fn a_module_uses_only_modules_below_it() {
    let floor = |module: &str| {
        let module = module.split("::").next().unwrap();
        FLOORS.iter().position(|floor| *floor == module).unwrap_or_else(|| panic!("{module} is on no floor"))
    };
    let all = crate_at("src");
    for (module, used) in uses(&all).into_iter().filter(|(module, _)| module != "lib") {
        for used in used {
            assert!(floor(&module) <= floor(&used), "{module} uses {used}, which is above it");
        }
    }
}

/// The modules of `decide` from the top floor down, as its `mod.rs` has them.
const DECIDE: [&str; 8] =
    ["resolve", "decision", "warnings", "plan", "pod_request", "identity", "container", "fragments"];

#[test]
fn a_module_of_decide_uses_only_modules_below_it() {
    let all = crate_at("src");
    let inside = |module: &str| {
        module.strip_prefix("decide::").map(|rest| rest.split("::").next().unwrap().to_owned())
    };
    let floor = |module: &str| {
        DECIDE
            .iter()
            .position(|floor| *floor == module)
            .unwrap_or_else(|| panic!("decide::{module} is on no floor"))
    };
    let mut seen = 0;
    for (module, used) in uses(&all) {
        let Some(above) = inside(&module) else { continue };
        for below in used.iter().filter_map(|used| inside(used)) {
            assert!(
                floor(&above) <= floor(&below),
                "decide::{above} uses decide::{below}, which is above it"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn detects_a_planted_dependency_cycle() {
    let mut all = crate_at("src");
    all.remove("lib");
    *all.get_mut("text").unwrap() += "\nuse crate::{value::names, verdict::{warning::Warning}};\n";
    let planted = circle(&uses(&all));
    assert!(planted.contains("text") && planted.contains("verdict::warning"), "{planted:?}");
    let inline = Modules::from([
        ("a".to_owned(), "fn x() { crate::b::y() }".to_owned()),
        ("b".to_owned(), "pub use c::Z;".to_owned()),
        ("b::c".to_owned(), "use super::super::a; use crate::a::x;".to_owned()),
    ]);
    assert_eq!(circle(&uses(&inline)).len(), 3);
}
