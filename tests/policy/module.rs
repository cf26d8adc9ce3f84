//! The module itself: how large it is, and what it can reach.
use std::collections::BTreeSet;

use crate::common::{POLICY, ROOT, RUNNER};
use wasmparser::{Parser, Payload};

fn module() -> Vec<u8> {
    std::fs::read(POLICY).expect("policy.wasm: build it with `make policy.wasm`")
}

#[test]
fn stays_within_400_000_bytes() {
    let size = module().len();
    assert!(size <= 400_000, "{size} bytes");
}

/// The packages of the project's design, none of which is left out for its size.
#[test]
fn depends_on_the_packages_of_its_design_and_uses_them() {
    let manifest = crate::common::file("Cargo.toml");
    let (_, normal) = manifest.split_once("\n[dependencies]\n").unwrap();
    let normal = normal.split("\n[").next().unwrap();
    let mut sources = String::new();
    let mut folders = vec![std::path::Path::new(ROOT).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(path).unwrap();
                sources.push_str(text.split("#[cfg(test)]").next().unwrap());
            }
        }
    }
    for package in ["kubewarden-policy-sdk", "k8s-openapi", "serde", "serde_json", "wapc-guest", "slog"] {
        assert!(normal.lines().any(|line| line.starts_with(&format!("{package} = "))), "{package}");
        let used = format!("use {}::", package.replace('-', "_"));
        assert!(sources.contains(&used), "{used}");
    }
}

/// waPC's functions, and the few of WASI that the standard library can't do without: no clock, no file, no socket.
#[test]
fn imports_nothing_that_reaches_outside() {
    let module = module();
    let mut imports = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&module) {
        if let Payload::ImportSection(section) = payload.unwrap() {
            for import in section.into_imports() {
                let import = import.unwrap();
                imports.insert(format!("{}.{}", import.module, import.name));
            }
        }
    }
    let allowed: BTreeSet<String> = [
        "wapc.__console_log",
        "wapc.__guest_error",
        "wapc.__guest_request",
        "wapc.__guest_response",
        "wapc.__host_call",
        "wapc.__host_error",
        "wapc.__host_error_len",
        "wapc.__host_response",
        "wapc.__host_response_len",
        "wasi_snapshot_preview1.environ_get",
        "wasi_snapshot_preview1.environ_sizes_get",
        "wasi_snapshot_preview1.fd_write",
        "wasi_snapshot_preview1.proc_exit",
        "wasi_snapshot_preview1.random_get",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(imports.difference(&allowed).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// What was compiled is kept for the next time, in the user's cache; where there can be none, it is compiled again.
#[test]
fn is_compiled_once_where_there_is_a_cache() {
    let cache = std::env::temp_dir().join(format!("cache-{}", std::process::id()));
    let said = |cache: &std::path::Path| {
        let output = std::process::Command::new(RUNNER)
            .current_dir(ROOT)
            .env("XDG_CACHE_HOME", cache)
            .args(["check", "examples/walkthrough/pod.yaml"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let first = said(&cache);
    let compiled = || -> Vec<_> {
        let versions = std::fs::read_dir(cache.join("azwi-policy/modules")).unwrap();
        let files = versions.flat_map(|version| std::fs::read_dir(version.unwrap().path()).unwrap());
        let files = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_none());
        files.map(|path| (std::fs::metadata(&path).unwrap().modified().unwrap(), path)).collect()
    };
    let kept = compiled();
    assert_eq!(kept.len(), 1);
    assert_eq!(said(&cache), first);
    assert_eq!(compiled(), kept, "it was compiled again");
    assert_eq!(said(std::path::Path::new("/dev/null")), first);
    assert_eq!(said(std::path::Path::new("relative")), first);
    std::fs::remove_dir_all(&cache).unwrap();
}
