//! The module itself: how large it is, and what it can reach.
use std::collections::BTreeSet;

use wasmparser::{Parser, Payload};

fn module() -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policy.wasm");
    std::fs::read(path).expect("policy.wasm: build it with `make policy.wasm`")
}

#[test]
fn stays_under_300_kilobytes() {
    let size = module().len();
    assert!(size < 300_000, "{size} bytes");
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
